#include "host/network/flows.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "host/network/namespaces.hpp"

namespace nubecita::host {
namespace {

ApiError flow_error(const char* what) {
  char buffer[128];
  return {"NetworkUnavailable", 500, std::string(what) + ": " + strerror_r(errno, buffer, sizeof buffer), {}};
}

template <class F>
void each_attribute(const void* first, const void* end, F f) {
  // mnl_attr_for_each() is C only.
  for (auto* a = static_cast<const nlattr*>(first);
       mnl_attr_ok(a, static_cast<int>(static_cast<const char*>(end) - reinterpret_cast<const char*>(a)));
       a = mnl_attr_next(a))
    f(a);
}
template <class F>
void each_nested(const nlattr* nest, F f) {
  auto* payload = static_cast<const char*>(mnl_attr_get_payload(nest));
  each_attribute(payload, payload + mnl_attr_get_payload_len(nest), f);
}

struct Ends {
  uint32_t source = 0, destination = 0;
};
Ends ends_of(const nlattr* tuple) {
  Ends out;
  each_nested(tuple, [&](const nlattr* ip) {
    if (mnl_attr_get_type(ip) != CTA_TUPLE_IP) return;
    each_nested(ip, [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == CTA_IP_V4_SRC) out.source = ntohl(mnl_attr_get_u32(a));
      if (mnl_attr_get_type(a) == CTA_IP_V4_DST) out.destination = ntohl(mnl_attr_get_u32(a));
    });
  });
  return out;
}

nlmsghdr* begin(char* buffer, int type, uint16_t flags) {
  auto* m = mnl_nlmsg_put_header(buffer);
  m->nlmsg_type = static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  m->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
  auto* h = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(m, sizeof(nfgenmsg)));
  h->nfgen_family = AF_INET;
  h->version = NFNETLINK_V0;
  return m;
}

Status send_message(int fd, const nlmsghdr* m) {
  if (::send(fd, m, m->nlmsg_len, 0) == static_cast<ssize_t>(m->nlmsg_len)) return {};
  return fail(flow_error("asking for tracked connections"));
}

/// The tuples (CTA_TUPLE_ORIG, as they came) of the flows that match.
Result<std::vector<std::string>> find(int fd, const std::vector<LostAddress>& lost) {
  alignas(8) char buffer[32768];
  TRY(send_message(fd, begin(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP)));
  std::vector<std::string> out;
  for (;;) {
    ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return fail(flow_error("reading tracked connections"));
    int left = static_cast<int>(size);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
      if (m->nlmsg_type == NLMSG_DONE) return out;
      if (m->nlmsg_type == NLMSG_ERROR) {
        errno = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(m))->error;
        return fail(flow_error("reading tracked connections"));
      }
      const nlattr *original = nullptr, *reply = nullptr;
      each_attribute(mnl_nlmsg_get_payload_offset(m, sizeof(nfgenmsg)), mnl_nlmsg_get_payload_tail(m),
                     [&](const nlattr* a) {
                       if (mnl_attr_get_type(a) == CTA_TUPLE_ORIG) original = a;
                       if (mnl_attr_get_type(a) == CTA_TUPLE_REPLY) reply = a;
                     });
      if (!original || !reply) continue;
      const Ends to = ends_of(original), back = ends_of(reply);
      if (std::ranges::any_of(lost, [&](const LostAddress& l) {
            return to.destination == l.public_address ||
                   (to.source == l.private_address && back.destination != l.private_address);
          }))
        out.emplace_back(static_cast<const char*>(mnl_attr_get_payload(original)),
                         mnl_attr_get_payload_len(original));
    }
  }
}

Status forget(int fd, const std::string& tuple) {
  alignas(8) char buffer[4096];
  auto* m = begin(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
  mnl_attr_put(m, NLA_F_NESTED | CTA_TUPLE_ORIG, tuple.size(), tuple.data());
  TRY(send_message(fd, m));
  ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
  auto* answer = reinterpret_cast<const nlmsghdr*>(buffer);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr)) || answer->nlmsg_type != NLMSG_ERROR)
    return fail(flow_error("forgetting a tracked connection"));
  errno = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer))->error;
  if (errno != 0 && errno != ENOENT) return fail(flow_error("forgetting a tracked connection"));
  return {};
}

}  // namespace

Status forget_flows(const std::vector<LostAddress>& lost) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd) return fail(flow_error("opening a netfilter socket"));
  TRY_LET(auto tuples, find(fd.get(), lost));
  for (auto& t : tuples) TRY(forget(fd.get(), t));
  return {};
}

}  // namespace nubecita::host
