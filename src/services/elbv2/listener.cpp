// Listeners: ports of a load balancer, their certificates and default actions.
#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "services/elbv2/actions.hpp"
#include "services/elbv2/attributes.hpp"
#include "services/elbv2/policies.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::elbv2 {

namespace {

constexpr size_t kMostListeners = 50, kMostCertificates = 25;

void render(Call& call, const Listener& l, model::Listener& out) {
  out.listener_arn = call.text(l.arn);
  out.load_balancer_arn = call.text(l.lb_arn);
  out.port = l.port;
  out.protocol = call.text(l.protocol);
  out.certificates = call.list<model::Certificate>(l.certificate.empty() ? 0 : 1);
  if (!l.certificate.empty()) out.certificates[0].certificate_arn = call.text(l.certificate);
  if (!l.ssl_policy.empty()) out.ssl_policy = call.text(l.ssl_policy);
  render_actions(call, l.actions, out.default_actions);
  if (l.protocol == "HTTPS") {
    out.mutual_authentication = call.make<model::MutualAuthenticationAttributes>();
    out.mutual_authentication->mode = "off";
  }
}

Result<LoadBalancer> balancer_of(Call& call, const Listener& l) {
  auto lb = call.tx.get<LoadBalancer>(call.scope(), l.lb_key);
  if (!lb) return no_such_lb();
  return std::move(*lb);
}

Status check_certificate(Call& call, const std::string& arn) {
  auto a = Arn::parse(arn);
  if (a && a->service == "acm") return not_served("A certificate of ACM (use an IAM server certificate)");
  if (!iam::find_server_certificate(call.tx, call.account, arn))
    return fail("CertificateNotFound", "Certificate '" + arn + "' not found");
  return {};
}

void use(Call& call, const Listener& l, const std::string& certificate) {
  iam::use_server_certificate(call.tx, call.account, certificate, l.arn);
}
void release(Call& call, const Listener& l, const std::string& certificate) {
  iam::release_server_certificate(call.tx, call.account, certificate, l.arn);
}

Status check_mutual(const model::MutualAuthenticationAttributes* m) {
  if (m && !m->mode.empty() && m->mode.sv() != "off")
    return not_served("Mutual authentication mode " + api::str(m->mode));
  return {};
}

// What a listener's protocol demands; replaces the default certificate if one is given.
Status set_tls(Call& call, Listener& l, const wire::List<model::Certificate>& certificates,
               wire::Text policy) {
  if (l.protocol != "HTTP" && l.protocol != "HTTPS")
    return fail(
        "UnsupportedProtocol",
        "The protocol '" + l.protocol + "' is not supported by an application load balancer: HTTP or HTTPS");
  if (l.protocol == "HTTP") {
    if (!certificates.empty()) return bad_config("Certificates cannot be specified for HTTP listeners");
    if (!policy.empty()) return bad_config("An SSL policy cannot be specified for HTTP listeners");
    if (!l.certificate.empty()) release(call, l, l.certificate);
    for (auto& c : l.certificates) release(call, l, c);
    l.certificate.clear();
    l.certificates.clear();
    l.ssl_policy.clear();
    return {};
  }
  if (certificates.size() > 1)
    return fail(
        "TooManyCertificates",
        "Exactly one certificate, the default one, is given here; add others with AddListenerCertificates");
  if (!certificates.empty()) {
    auto arn = api::str(certificates[0].certificate_arn);
    TRY(check_certificate(call, arn));
    if (!l.certificate.empty() && l.certificate != arn) release(call, l, l.certificate);
    l.certificate = arn;
  }
  if (l.certificate.empty())
    return fail("CertificateNotFound", "A certificate must be specified for HTTPS listeners");
  if (!policy.empty()) l.ssl_policy = api::str(policy);
  if (l.ssl_policy.empty()) l.ssl_policy = kDefaultSslPolicy;
  if (!find_ssl_policy(l.ssl_policy))
    return fail("SSLPolicyNotFound", "SSL policy '" + l.ssl_policy + "' not found");
  use(call, l, l.certificate);
  return {};
}

Status check_port(Call& call, const LoadBalancer& lb, const Listener& l) {
  for (auto& other : listeners_of(call.tx, call.scope(), lb))
    if (other.port == l.port && other.id != l.id)
      return fail("DuplicateListener",
                  "A listener already exists on this port for this load balancer '" + lb.arn + "'");
  return {};
}

}  // namespace

Status create_listener(Call& call, const model::CreateListenerInput& in, model::CreateListenerOutput& out) {
  TRY_LET(auto tags, read_tags(in.tags));
  TRY_LET(auto lb, need_lb(call, in.load_balancer_arn));
  if (!tags.empty()) TRY(allow_create(call, make_arn(call.scope(), "listener/app/" + lb.key() + "/*"), tags));
  if (!in.port.has()) return invalid("A port must be specified for the listener");
  if (in.protocol.empty()) return invalid("A protocol must be specified for the listener");
  TRY(check_mutual(in.mutual_authentication));
  if (listeners_of(call.tx, call.scope(), lb).size() >= kMostListeners)
    return fail("TooManyListeners", "The limit of listeners of a load balancer has been reached: " +
                                        std::to_string(kMostListeners));
  Listener l;
  l.lb_key = lb.key();
  l.id = random_hex(16);
  l.arn = make_arn(call.scope(), "listener/app/" + l.key());
  l.lb_arn = lb.arn;
  l.port = *in.port;
  l.protocol = api::str(in.protocol);
  l.default_rule = random_hex(16);
  l.tags = std::move(tags);
  TRY(check_port(call, lb, l));
  TRY(set_tls(call, l, in.certificates, in.ssl_policy));
  TRY_LET(l.actions, read_actions(call, in.default_actions, lb));
  attach_groups(call, l.lb_key, l.key(), {}, l.actions);
  call.tx.put(call.scope(), l);
  out.listeners = call.list<model::Listener>(1);
  render(call, l, out.listeners[0]);
  return {};
}

Status modify_listener(Call& call, const model::ModifyListenerInput& in, model::ModifyListenerOutput& out) {
  TRY_LET(auto l, need_listener(call, in.listener_arn));
  TRY_LET(auto lb, balancer_of(call, l));
  TRY(check_mutual(in.mutual_authentication));
  if (in.port.has()) l.port = *in.port;
  if (!in.protocol.empty()) l.protocol = api::str(in.protocol);
  TRY(check_port(call, lb, l));
  TRY(set_tls(call, l, in.certificates, in.ssl_policy));
  if (!in.default_actions.empty()) {
    TRY_LET(auto actions, read_actions(call, in.default_actions, lb));
    attach_groups(call, l.lb_key, l.key(), l.actions, actions);
    l.actions = std::move(actions);
  }
  call.tx.put(call.scope(), l);
  out.listeners = call.list<model::Listener>(1);
  render(call, l, out.listeners[0]);
  return {};
}

void erase_listener(Call& call, const Listener& l) {
  for (auto& r : rules_of(call.tx, call.scope(), l)) erase_rule(call, r);
  attach_groups(call, l.lb_key, l.key(), l.actions, {});
  if (!l.certificate.empty()) release(call, l, l.certificate);
  for (auto& c : l.certificates) release(call, l, c);
  call.tx.erase<Listener>(call.scope(), l.key());
}

Status delete_listener(Call& call, const model::DeleteListenerInput& in, model::DeleteListenerOutput&) {
  TRY_LET(auto l, need_listener(call, in.listener_arn));
  erase_listener(call, l);
  return {};
}

Status describe_listeners(Call& call, const model::DescribeListenersInput& in,
                          model::DescribeListenersOutput& out) {
  TRY(allow_read(call));
  std::vector<Listener> found;
  if (!in.load_balancer_arn.empty()) {
    if (!in.listener_arns.empty())
      return invalid("Listener ARNs and a load balancer ARN cannot be specified at the same time");
    auto lb = find_lb(call.tx, call.scope(), in.load_balancer_arn);
    if (!lb) return no_such_lb();
    found = listeners_of(call.tx, call.scope(), *lb);
  } else if (in.listener_arns.empty()) {
    return invalid("You must specify either listener ARNs or a load balancer ARN");
  }
  for (auto& arn : in.listener_arns) {
    auto l = find_listener(call.tx, call.scope(), arn);
    if (!l) return no_such_listener();
    found.push_back(std::move(*l));
  }
  std::ranges::sort(found, {}, [](auto& l) { return l.key(); });
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(found), in.marker, page_size(in.page_size),
                         [](auto& l) { return l.key(); }, next, "ValidationError"));
  out.listeners = call.list<model::Listener>(page.size());
  for (size_t i = 0; i < page.size(); ++i) render(call, page[i], out.listeners[i]);
  if (!next.empty()) out.next_marker = call.text(next);
  return {};
}

namespace {

void render_attributes(Call& call, const Listener& l, wire::List<model::ListenerAttribute>& out) {
  auto all = with_defaults(listener_attributes(), l.attributes);
  out = call.list<model::ListenerAttribute>(all.size());
  size_t i = 0;
  for (auto& [k, v] : all) out[i++] = {call.text(k), call.text(v)};
}

}  // namespace

Status describe_listener_attributes(Call& call, const model::DescribeListenerAttributesInput& in,
                                    model::DescribeListenerAttributesOutput& out) {
  TRY(allow_read(call));
  auto l = find_listener(call.tx, call.scope(), in.listener_arn);
  if (!l) return no_such_listener();
  render_attributes(call, *l, out.attributes);
  return {};
}

Status modify_listener_attributes(Call& call, const model::ModifyListenerAttributesInput& in,
                                  model::ModifyListenerAttributesOutput& out) {
  TRY_LET(auto l, need_listener(call, in.listener_arn));
  for (auto& a : in.attributes)
    TRY(set_attribute(listener_attributes(), "Listener", l.attributes, a.key, a.value));
  call.tx.put(call.scope(), l);
  render_attributes(call, l, out.attributes);
  return {};
}

Status add_listener_certificates(Call& call, const model::AddListenerCertificatesInput& in,
                                 model::AddListenerCertificatesOutput& out) {
  TRY_LET(auto l, need_listener(call, in.listener_arn));
  if (l.protocol != "HTTPS")
    return fail("UnsupportedOperation", "Certificates can be added to HTTPS listeners only");
  for (auto& c : in.certificates) {
    auto arn = api::str(c.certificate_arn);
    if (c.is_default.has()) return invalid("The IsDefault flag cannot be set here");
    TRY(check_certificate(call, arn));
    if (arn == l.certificate || std::ranges::find(l.certificates, arn) != l.certificates.end()) continue;
    l.certificates.push_back(arn);
    use(call, l, arn);
  }
  if (l.certificates.size() > kMostCertificates)
    return fail("TooManyCertificates",
                "A load balancer has at most 25 certificates besides the default ones");
  call.tx.put(call.scope(), l);
  out.certificates = call.list<model::Certificate>(in.certificates.size());
  for (size_t i = 0; i < in.certificates.size(); ++i) {
    out.certificates[i].certificate_arn = in.certificates[i].certificate_arn;
    out.certificates[i].is_default = false;
  }
  return {};
}

Status remove_listener_certificates(Call& call, const model::RemoveListenerCertificatesInput& in,
                                    model::RemoveListenerCertificatesOutput&) {
  TRY_LET(auto l, need_listener(call, in.listener_arn));
  for (auto& c : in.certificates) {
    auto arn = api::str(c.certificate_arn);
    if (arn == l.certificate)
      return fail("OperationNotPermitted", "The default certificate of a listener cannot be removed");
    if (std::erase(l.certificates, arn)) release(call, l, arn);
  }
  call.tx.put(call.scope(), l);
  return {};
}

Status describe_listener_certificates(Call& call, const model::DescribeListenerCertificatesInput& in,
                                      model::DescribeListenerCertificatesOutput& out) {
  TRY(allow_read(call));
  auto l = find_listener(call.tx, call.scope(), in.listener_arn);
  if (!l) return no_such_listener();
  std::vector<std::string> all = l->certificates;
  if (!l->certificate.empty()) all.push_back(l->certificate);
  std::ranges::sort(all);
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(all), in.marker, page_size(in.page_size), [](auto& c) { return c; }, next,
                         "ValidationError"));
  out.certificates = call.list<model::Certificate>(page.size());
  for (size_t i = 0; i < page.size(); ++i) {
    out.certificates[i].certificate_arn = call.text(page[i]);
    out.certificates[i].is_default = page[i] == l->certificate;
  }
  if (!next.empty()) out.next_marker = call.text(next);
  return {};
}

}  // namespace nubecita::elbv2
