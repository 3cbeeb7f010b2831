#include "services/s3/acl.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "services/iam/iam.hpp"
#include "services/s3/access.hpp"

namespace nubecita::s3 {
namespace {

constexpr std::string_view kEveryone = "http://acs.amazonaws.com/groups/global/AllUsers";
constexpr std::string_view kAuthenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
constexpr std::string_view kLogs = "http://acs.amazonaws.com/groups/s3/LogDelivery";
constexpr size_t kMost = 100;

bool is_group(std::string_view uri) { return uri == kEveryone || uri == kAuthenticated || uri == kLogs; }

Status canned(std::string_view name, const std::string& owner, const std::string& bucket_owner, bool object,
              std::vector<Grant>& out) {
  out.push_back({"id", owner, "FULL_CONTROL"});
  if (name == "private") return {};
  if (name == "public-read" || name == "public-read-write")
    out.push_back({"group", std::string(kEveryone), "READ"});
  if (name == "public-read-write") out.push_back({"group", std::string(kEveryone), "WRITE"});
  if (name == "authenticated-read") out.push_back({"group", std::string(kAuthenticated), "READ"});
  if (name == "log-delivery-write" && !object) {
    out.push_back({"group", std::string(kLogs), "WRITE"});
    out.push_back({"group", std::string(kLogs), "READ_ACP"});
  }
  if (name == "bucket-owner-read" && object && owner != bucket_owner)
    out.push_back({"id", bucket_owner, "READ"});
  if (name == "bucket-owner-full-control" && object && owner != bucket_owner)
    out.push_back({"id", bucket_owner, "FULL_CONTROL"});
  static constexpr std::string_view known[] = {
      "public-read",       "public-read-write",         "authenticated-read", "log-delivery-write",
      "bucket-owner-read", "bucket-owner-full-control", "aws-exec-read"};
  if (std::ranges::find(known, name) == std::end(known))
    return invalid_argument({}, "x-amz-acl", std::string(name));
  if (name == "aws-exec-read") return not_implemented("the canned ACL aws-exec-read");
  return {};
}

bool known_account(store::Transaction& tx, std::string_view id) {
  return std::ranges::any_of(iam::list_accounts(tx), [&](auto& a) { return canonical_id(a.id) == id; });
}

// `id="...", uri="..."`
Status header(store::Transaction& tx, std::string_view text, std::string_view permission,
              std::vector<Grant>& out) {
  while (!text.empty()) {
    auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const auto eq = part.find('=');
    if (eq == std::string_view::npos) return invalid_argument("Argument format not recognized");
    auto kind = part.substr(0, eq);
    auto value = unquoted(part.substr(eq + 1));
    if (kind == "uri") {
      if (!is_group(value)) return invalid_argument("Invalid group uri", "uri", std::string(value));
      out.push_back({"group", std::string(value), std::string(permission)});
    } else if (kind == "id") {
      if (!known_account(tx, value)) return invalid_argument("Invalid id", "id", std::string(value));
      out.push_back({"id", std::string(value), std::string(permission)});
    } else {
      return fail("UnresolvableGrantByEmailAddress",
                  "The e-mail address you provided does not match any account on record.", 400);
    }
  }
  return {};
}

Status document(store::Transaction& tx, const model::AccessControlPolicy& d, std::string_view owner,
                std::vector<Grant>& out) {
  static constexpr std::string_view permissions[] = {"READ", "WRITE", "READ_ACP", "WRITE_ACP",
                                                     "FULL_CONTROL"};
  if (!d.owner)
    return fail("MalformedACLError",
                "The XML you provided was not well-formed or did not validate against our published schema",
                400);
  if (!d.owner->id.empty() && d.owner->id != owner) return access_denied();
  for (auto& g : d.grants) {
    if (!g.grantee || std::ranges::find(permissions, g.permission.sv()) == std::end(permissions))
      return fail("MalformedACLError",
                  "The XML you provided was not well-formed or did not validate against our published schema",
                  400);
    if (!g.grantee->email_address.empty())
      return fail("UnresolvableGrantByEmailAddress",
                  "The e-mail address you provided does not match any account on record.", 400);
    if (!g.grantee->uri.empty()) {
      if (!is_group(g.grantee->uri))
        return invalid_argument("Invalid group uri", "CanonicalUser/URI", std::string(g.grantee->uri.sv()));
      out.push_back({"group", std::string(g.grantee->uri.sv()), std::string(g.permission.sv())});
    } else {
      if (!known_account(tx, g.grantee->id))
        return invalid_argument("Invalid id", "CanonicalUser/ID", std::string(g.grantee->id.sv()));
      out.push_back({"id", std::string(g.grantee->id.sv()), std::string(g.permission.sv())});
    }
  }
  return {};
}

}  // namespace

std::string canonical_id(std::string_view account) {
  return to_hex(sha256("nubecita canonical user " + std::string(account)));
}

Result<std::vector<Grant>> make_grants(Exchange& x, const AclRequest& a, std::string_view owner_account,
                                       bool object) {
  const auto owner = canonical_id(owner_account), bucket_owner = canonical_id(x.bucket->account);
  std::vector<Grant> out;
  if (a.empty()) return out;
  const bool headers = !a.read.empty() || !a.write.empty() || !a.read_acp.empty() || !a.write_acp.empty() ||
                       !a.full_control.empty();
  if (!a.canned.empty() && headers)
    return invalid_request("Specifying both Canned ACLs and Header Grants is not allowed");
  if (a.document && (headers || !a.canned.empty()))
    return fail("UnexpectedContent", "This request does not support content", 400);
  if (!a.canned.empty()) TRY(canned(a.canned, owner, bucket_owner, object, out));
  TRY(header(x.tx, a.read, "READ", out));
  TRY(header(x.tx, a.write, "WRITE", out));
  TRY(header(x.tx, a.read_acp, "READ_ACP", out));
  TRY(header(x.tx, a.write_acp, "WRITE_ACP", out));
  TRY(header(x.tx, a.full_control, "FULL_CONTROL", out));
  if (a.document) TRY(document(x.tx, *a.document, owner, out));
  if (out.size() > kMost) return fail("MalformedACLError", "Too many grants", 400);
  if (x.bucket->enforced()) {
    // What says what is so already is fine: the owner has everything.
    const bool so_already = a.canned == "bucket-owner-full-control" || a.canned == "private" ||
                            (!out.empty() && std::ranges::all_of(out, [&](auto& g) {
                              return g.grantee == bucket_owner && g.permission == "FULL_CONTROL";
                            }));
    if (!so_already) return fail("AccessControlListNotSupported", "The bucket does not allow ACLs", 400);
    return std::vector<Grant>();
  }
  if (out.empty()) out.push_back({"nobody", {}, {}});
  if ((x.bucket->block & kBlockPublicAcls) && is_public(out)) return access_denied();
  return out;
}

model::Owner* show_owner(api::Call& call, std::string_view account) {
  auto* o = call.make<model::Owner>();
  o->id = call.text(canonical_id(account));
  return o;
}

void show_grants(api::Call& call, const std::vector<Grant>& grants, std::string_view owner,
                 model::Owner*& out_owner, wire::List<model::Grant>& out) {
  out_owner = show_owner(call, owner);
  std::vector<Grant> all = grants;
  if (all.empty()) all.push_back({"id", canonical_id(owner), "FULL_CONTROL"});
  std::erase_if(all, [](auto& g) { return g.type == "nobody"; });
  out = call.list<model::Grant>(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    auto* g = call.make<model::Grantee>();
    if (all[i].type == "group") {
      g->type = "Group";
      g->uri = call.text(all[i].grantee);
    } else {
      g->type = "CanonicalUser";
      g->id = call.text(all[i].grantee);
    }
    out[i].grantee = g;
    out[i].permission = call.text(all[i].permission);
  }
}

}  // namespace nubecita::s3
