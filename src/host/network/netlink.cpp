#include "host/network/netlink.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace nubecita::host {
namespace {

uint32_t attr_u32(const nlattr* a) { return mnl_attr_get_u32(a); }

template <class F>
void each_attribute(const nlmsghdr* m, size_t header, F f) {
  // mnl_attr_for_each() is C only.
  for (auto* a = static_cast<nlattr*>(mnl_nlmsg_get_payload_offset(m, header));
       mnl_attr_ok(a, static_cast<int>(static_cast<char*>(mnl_nlmsg_get_payload_tail(m)) -
                                       reinterpret_cast<char*>(a)));
       a = mnl_attr_next(a))
    f(a);
}

void put_veth_end(nlmsghdr* m, const VethEnd& end) {
  mnl_attr_put_strz(m, IFLA_IFNAME, end.name.c_str());
  if (end.mac) mnl_attr_put(m, IFLA_ADDRESS, end.mac->size(), end.mac->data());
}

}  // namespace

std::optional<Mac> parse_mac(std::string_view text) {
  Mac mac{};
  if (text.size() != 17) return {};
  for (size_t i = 0; i < 6; ++i) {
    auto digit = [](char c) {
      return c >= '0' && c <= '9'   ? c - '0'
             : c >= 'a' && c <= 'f' ? c - 'a' + 10
             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                    : -1;
    };
    const int high = digit(text[3 * i]), low = digit(text[3 * i + 1]);
    if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':')) return {};
    mac[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return mac;
}

nlmsghdr* Batch::begin(uint16_t type, uint16_t flags) {
  auto* m = mnl_nlmsg_put_header(buffer_);
  m->nlmsg_type = type;
  m->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  return m;
}

void Batch::end(nlmsghdr* m, const std::string& what, int forgiven) {
  changes_.push_back({std::string(reinterpret_cast<char*>(m), m->nlmsg_len), what, forgiven});
}

void Batch::add_veth(const VethEnd& here, const VethEnd& there, int there_fd, const std::string& what) {
  auto* m = begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)));
  info->ifi_index = here.index;
  put_veth_end(m, here);
  auto* link = mnl_attr_nest_start(m, IFLA_LINKINFO);
  mnl_attr_put_strz(m, IFLA_INFO_KIND, "veth");
  auto* data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
  auto* peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
  auto* peer_info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)));
  peer_info->ifi_index = there.index;
  put_veth_end(m, there);
  mnl_attr_put_u32(m, IFLA_NET_NS_FD, static_cast<uint32_t>(there_fd));
  mnl_attr_nest_end(m, peer);
  mnl_attr_nest_end(m, data);
  mnl_attr_nest_end(m, link);
  end(m, what);
}

void Batch::set_up(int link, const LinkSettings& settings, const std::string& what) {
  auto* m = begin(RTM_NEWLINK, 0);
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)));
  info->ifi_index = link;
  info->ifi_flags = info->ifi_change = IFF_UP;
  if (!settings.empty()) {
    auto* all = mnl_attr_nest_start(m, IFLA_AF_SPEC);
    auto* inet = mnl_attr_nest_start(m, AF_INET);
    auto* conf = mnl_attr_nest_start(m, IFLA_INET_CONF);
    for (auto [member, value] : settings) mnl_attr_put_u32(m, static_cast<uint16_t>(member), value);
    mnl_attr_nest_end(m, conf);
    mnl_attr_nest_end(m, inet);
    mnl_attr_nest_end(m, all);
  }
  end(m, what);
}

void Batch::set_alias(int link, const std::string& alias, const std::string& what) {
  auto* m = begin(RTM_NEWLINK, 0);
  auto* info = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)));
  info->ifi_index = link;
  mnl_attr_put_str(m, IFLA_IFALIAS, alias.c_str());
  end(m, what);
}

void Batch::delete_link(int link, const std::string& what) {
  auto* m = begin(RTM_DELLINK, 0);
  static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)))->ifi_index = link;
  end(m, what, ENODEV);
}

void Batch::delete_links(const std::vector<int>& links, const std::string& what) {
  constexpr uint32_t kGone = 0x6e62;  // a link group that nobody else uses
  if (links.size() == 1) return delete_link(links[0], what);
  for (int link : links) {
    auto* m = begin(RTM_NEWLINK, 0);
    static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)))->ifi_index = link;
    mnl_attr_put_u32(m, IFLA_GROUP, kGone);
    end(m, what, ENODEV);
  }
  auto* m = begin(RTM_DELLINK, 0);
  mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg));
  mnl_attr_put_u32(m, IFLA_GROUP, kGone);
  end(m, what, ENODEV);
}

static void put_address(nlmsghdr* m, const LinkAddress& a, bool plain) {
  auto* h = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifaddrmsg)));
  h->ifa_family = AF_INET;
  h->ifa_prefixlen = a.bits;
  h->ifa_scope = RT_SCOPE_UNIVERSE;
  h->ifa_index = static_cast<uint32_t>(a.link);
  mnl_attr_put_u32(m, IFA_LOCAL, htonl(a.address));
  mnl_attr_put_u32(m, IFA_ADDRESS, htonl(a.address));
  if (plain) mnl_attr_put_u32(m, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
}

void Batch::add_address(const LinkAddress& a, bool plain, const std::string& what) {
  auto* m = begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  put_address(m, a, plain);
  end(m, what, EEXIST);
}
void Batch::delete_address(const LinkAddress& a, const std::string& what) {
  auto* m = begin(RTM_DELADDR, 0);
  put_address(m, a, false);
  end(m, what, EADDRNOTAVAIL);
}

static void put_route_body(nlmsghdr* m, const Route& r) {
  auto* h = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(m, sizeof(rtmsg)));
  h->rtm_family = AF_INET;
  h->rtm_dst_len = r.bits;
  h->rtm_table = r.table < 256 ? static_cast<uint8_t>(r.table) : static_cast<uint8_t>(RT_TABLE_UNSPEC);
  h->rtm_protocol = kRouteProtocol;
  h->rtm_scope = r.link && !r.gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  h->rtm_type = r.type;
  if (r.gateway) h->rtm_flags = RTNH_F_ONLINK;
  mnl_attr_put_u32(m, RTA_TABLE, r.table);
  if (r.bits) mnl_attr_put_u32(m, RTA_DST, htonl(r.destination));
  if (r.gateway) mnl_attr_put_u32(m, RTA_GATEWAY, htonl(r.gateway));
  if (r.source) mnl_attr_put_u32(m, RTA_PREFSRC, htonl(r.source));
  if (r.link) mnl_attr_put_u32(m, RTA_OIF, static_cast<uint32_t>(r.link));
}

void Batch::put_route(const Route& r, const std::string& what) {
  auto* m = begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  put_route_body(m, r);
  end(m, what);
}
void Batch::delete_route(const Route& r, const std::string& what) {
  auto* m = begin(RTM_DELROUTE, 0);
  put_route_body(m, r);
  end(m, what, ESRCH);
}

static void put_rule(nlmsghdr* m, uint32_t mark, uint32_t table, uint32_t priority) {
  auto* h = static_cast<fib_rule_hdr*>(mnl_nlmsg_put_extra_header(m, sizeof(fib_rule_hdr)));
  h->family = AF_INET;
  h->action = FR_ACT_TO_TBL;
  h->table = RT_TABLE_UNSPEC;
  mnl_attr_put_u32(m, FRA_TABLE, table);
  mnl_attr_put_u32(m, FRA_PRIORITY, priority);
  mnl_attr_put_u32(m, FRA_FWMARK, mark);
}
void Batch::add_rule(uint32_t mark, uint32_t table, uint32_t priority, const std::string& what) {
  auto* m = begin(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
  put_rule(m, mark, table, priority);
  end(m, what, EEXIST);
}
void Batch::delete_rule(uint32_t mark, uint32_t table, uint32_t priority, const std::string& what) {
  auto* m = begin(RTM_DELRULE, 0);
  put_rule(m, mark, table, priority);
  end(m, what, ENOENT);
}

void Batch::put_neighbour(int link, uint32_t address, const Mac& mac, const std::string& what) {
  auto* m = begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  auto* h = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ndmsg)));
  h->ndm_family = AF_INET;
  h->ndm_ifindex = link;
  h->ndm_state = NUD_PERMANENT;
  mnl_attr_put_u32(m, NDA_DST, htonl(address));
  mnl_attr_put(m, NDA_LLADDR, mac.size(), mac.data());
  end(m, what);
}

Result<Netlink> Netlink::open() {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return network_error("opening a netlink socket", errno);
  const int one = 1, size = 1 << 20;
  ::setsockopt(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  return Netlink(std::move(fd));
}

Result<Netlink> Netlink::open_in(int fd) {
  std::optional<Result<Netlink>> socket;
  TRY(on_own_thread([&]() -> Status {
    TRY(enter_namespace(fd));
    socket = open();
    return {};
  }));
  return std::move(*socket);
}

Status Netlink::run(const Batch& batch) {
  constexpr size_t kTogether = 64;  // their answers fit the smallest receive buffer
  Status status;
  const auto& c = batch.changes_;
  for (size_t i = 0; i < c.size(); i += kTogether) {
    auto part = run_some(c.data() + i, c.data() + std::min(c.size(), i + kTogether));
    if (status && !part) status = std::move(part);
  }
  return status;
}

Status Netlink::run_some(const Batch::Change* first, const Batch::Change* last) {
  std::string bytes;
  const uint32_t from = sequence_;
  for (auto* c = first; c != last; ++c) {
    const size_t at = bytes.size();
    bytes += c->message;
    reinterpret_cast<nlmsghdr*>(bytes.data() + at)->nlmsg_seq = sequence_++;
    bytes.resize(MNL_ALIGN(bytes.size()));
  }
  if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) return network_error("sending to netlink", errno);
  Status status;
  alignas(8) char buffer[16384];
  for (auto left = last - first; left > 0;) {
    const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return network_error("reading from netlink", errno);
    int rest = static_cast<int>(n);
    for (auto* m = reinterpret_cast<nlmsghdr*>(buffer); mnl_nlmsg_ok(m, rest); m = mnl_nlmsg_next(m, &rest)) {
      if (m->nlmsg_type != NLMSG_ERROR || m->nlmsg_seq - from >= static_cast<uint32_t>(last - first))
        continue;
      --left;
      const int error = -static_cast<nlmsgerr*>(mnl_nlmsg_get_payload(m))->error;
      const auto& change = first[m->nlmsg_seq - from];
      if (error && error != change.forgiven && status) status = network_error(change.what, error);
    }
  }
  return status;
}

Result<bool> Netlink::running(int link) {
  alignas(8) char request[64] = {};
  auto* m = mnl_nlmsg_put_header(request);
  m->nlmsg_type = RTM_GETLINK;  // for one link: newer kernels (6.8) catch up on its state before they answer
  m->nlmsg_flags = NLM_F_REQUEST;
  m->nlmsg_seq = sequence_++;
  static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)))->ifi_index = link;
  if (::send(fd_.get(), m, m->nlmsg_len, 0) < 0) return network_error("sending to netlink", errno);
  alignas(8) char buffer[16384];
  for (;;) {
    const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return network_error("reading from netlink", errno);
    const auto* a = reinterpret_cast<nlmsghdr*>(buffer);
    if (a->nlmsg_seq != m->nlmsg_seq) continue;
    if (a->nlmsg_type == NLMSG_ERROR)
      return network_error("asking for a link", -static_cast<nlmsgerr*>(mnl_nlmsg_get_payload(a))->error);
    bool up = false;
    each_attribute(a, sizeof(ifinfomsg), [&](const nlattr* at) {
      if (mnl_attr_get_type(at) == IFLA_OPERSTATE) up = mnl_attr_get_u8(at) == IF_OPER_UP;
    });
    return up;
  }
}

Status Netlink::await_running(int link) {
  for (int i = 0; i < 1000; ++i) {
    TRY_LET(const bool up, running(link));
    if (up) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return fail("NetworkUnavailable", "link " + std::to_string(link) + " does not come up", 500);
}

Status Netlink::dump(uint16_t type, const std::function<void(const nlmsghdr*)>& each) {
  alignas(8) char request[64] = {};
  auto* m = mnl_nlmsg_put_header(request);
  m->nlmsg_type = type;
  m->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  m->nlmsg_seq = sequence_++;
  const auto sequence = m->nlmsg_seq;
  // The largest header of those asked for; a longer one than needed is fine.
  static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(m, sizeof(ifinfomsg)))->rtm_family =
      type == RTM_GETLINK ? AF_UNSPEC : AF_INET;
  if (::send(fd_.get(), m, m->nlmsg_len, 0) < 0) return network_error("sending to netlink", errno);
  alignas(8) char buffer[65536];
  for (;;) {
    const auto n = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return network_error("reading from netlink", errno);
    int rest = static_cast<int>(n);
    for (auto* a = reinterpret_cast<nlmsghdr*>(buffer); mnl_nlmsg_ok(a, rest); a = mnl_nlmsg_next(a, &rest)) {
      if (a->nlmsg_seq != sequence) continue;
      if (a->nlmsg_type == NLMSG_DONE) return {};
      if (a->nlmsg_type == NLMSG_ERROR)
        return network_error("reading the network's state",
                             -static_cast<nlmsgerr*>(mnl_nlmsg_get_payload(a))->error);
      each(a);
    }
  }
}

Result<std::vector<Link>> Netlink::links() {
  std::vector<Link> out;
  TRY(dump(RTM_GETLINK, [&](const nlmsghdr* m) {
    const auto* h = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(m));
    Link link{h->ifi_index, {}, {}, (h->ifi_flags & IFF_UP) != 0};
    each_attribute(m, sizeof(ifinfomsg), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == IFLA_IFNAME) link.name = mnl_attr_get_str(a);
      if (mnl_attr_get_type(a) == IFLA_IFALIAS) link.alias = mnl_attr_get_str(a);
    });
    out.push_back(std::move(link));
  }));
  return out;
}

Result<std::vector<LinkAddress>> Netlink::addresses() {
  std::vector<LinkAddress> out;
  TRY(dump(RTM_GETADDR, [&](const nlmsghdr* m) {
    const auto* h = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(m));
    if (h->ifa_family != AF_INET) return;
    LinkAddress address{static_cast<int>(h->ifa_index), 0, h->ifa_prefixlen};
    each_attribute(m, sizeof(ifaddrmsg), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == IFA_LOCAL) address.address = ntohl(attr_u32(a));
    });
    out.push_back(address);
  }));
  return out;
}

Result<std::vector<Route>> Netlink::routes() {
  std::vector<Route> out;
  TRY(dump(RTM_GETROUTE, [&](const nlmsghdr* m) {
    const auto* h = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(m));
    if (h->rtm_family != AF_INET || h->rtm_protocol != kRouteProtocol || (h->rtm_flags & RTM_F_CLONED))
      return;
    Route r;
    r.table = h->rtm_table;
    r.bits = h->rtm_dst_len;
    r.type = h->rtm_type;
    each_attribute(m, sizeof(rtmsg), [&](const nlattr* a) {
      switch (mnl_attr_get_type(a)) {
        case RTA_TABLE:
          r.table = attr_u32(a);
          break;
        case RTA_DST:
          r.destination = ntohl(attr_u32(a));
          break;
        case RTA_GATEWAY:
          r.gateway = ntohl(attr_u32(a));
          break;
        case RTA_PREFSRC:
          r.source = ntohl(attr_u32(a));
          break;
        case RTA_OIF:
          r.link = static_cast<int>(attr_u32(a));
          break;
        default:
          break;
      }
    });
    out.push_back(r);
  }));
  return out;
}

Result<std::vector<uint32_t>> Netlink::rule_marks(uint32_t priority) {
  std::vector<uint32_t> out;
  TRY(dump(RTM_GETRULE, [&](const nlmsghdr* m) {
    const auto* h = static_cast<const fib_rule_hdr*>(mnl_nlmsg_get_payload(m));
    if (h->family != AF_INET) return;
    uint32_t mark = 0, at = 0;
    each_attribute(m, sizeof(fib_rule_hdr), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == FRA_FWMARK) mark = attr_u32(a);
      if (mnl_attr_get_type(a) == FRA_PRIORITY) at = attr_u32(a);
    });
    if (at == priority) out.push_back(mark);
  }));
  return out;
}

}  // namespace nubecita::host
