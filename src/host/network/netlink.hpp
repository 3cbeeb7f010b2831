// Links, addresses, routes, rules and neighbours by rtnetlink, many changes in one system call. A socket
// belongs to the namespace that its thread was in when it was opened, and works from any thread afterwards,
// one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "host/network/namespaces.hpp"

struct nlmsghdr;

namespace nubecita::host {

/// Marks routes as ours (RTA_PROTOCOL), for whoever reads `ip route`.
inline constexpr uint8_t kRouteProtocol = 110;
inline constexpr uint32_t kMainTable = 254, kLocalTable = 255;

using Mac = std::array<uint8_t, 6>;
std::optional<Mac> parse_mac(std::string_view text);

struct Route {
  uint32_t table = kMainTable;
  uint32_t destination = 0;  // host byte order
  uint8_t bits = 0;
  uint8_t type = 1;      // RTN_UNICAST
  uint32_t gateway = 0;  // 0: directly on the link
  uint32_t source = 0;   // preferred source address; 0: the kernel's choice
  int link = 0;          // index; 0 for types without one
  friend auto operator<=>(const Route&, const Route&) = default;
};
struct Link {
  int index = 0;
  std::string name, alias;
  bool up = false;
};
struct LinkAddress {
  int link = 0;
  uint32_t address = 0;
  uint8_t bits = 32;
};
struct VethEnd {
  std::string name;
  int index = 0;  // 0: the kernel's choice; both ends or none
  std::optional<Mac> mac;
};
/// Members of /proc/sys/net/ipv4/conf/<link>, by IPV4_DEVCONF_... number.
using LinkSettings = std::vector<std::pair<int, uint32_t>>;

/// Changes in order. `what` names a change in the error that it causes.
class Batch {
 public:
  /// A pair of links: `here` in the socket's namespace, `there` in the namespace of `there_fd`.
  void add_veth(const VethEnd& here, const VethEnd& there, int there_fd, const std::string& what);
  void set_up(int link, const LinkSettings& settings, const std::string& what);
  void set_alias(int link, const std::string& alias, const std::string& what);
  void delete_link(int link, const std::string& what);
  /// All at once: the kernel waits for its readers once, not once per link.
  void delete_links(const std::vector<int>& links, const std::string& what);
  /// Without the route of its block when `plain`.
  void add_address(const LinkAddress& a, bool plain, const std::string& what);
  void delete_address(const LinkAddress& a, const std::string& what);
  void put_route(const Route& r, const std::string& what);
  void delete_route(const Route& r, const std::string& what);
  /// Packets with `mark` look into `table`.
  void add_rule(uint32_t mark, uint32_t table, uint32_t priority, const std::string& what);
  void delete_rule(uint32_t mark, uint32_t table, uint32_t priority, const std::string& what);
  void put_neighbour(int link, uint32_t address, const Mac& mac, const std::string& what);
  bool empty() const { return changes_.empty(); }

 private:
  friend class Netlink;
  struct Change {
    std::string message, what;
    int forgiven = 0;  // an errno that means that it is so already
  };
  nlmsghdr* begin(uint16_t type, uint16_t flags);
  void end(nlmsghdr* m, const std::string& what, int forgiven = 0);
  std::vector<Change> changes_;
  alignas(8) char buffer_[2048];
};

class Netlink {
 public:
  /// In the calling thread's namespace.
  static Result<Netlink> open();
  /// In the namespace of `fd`, whatever the caller's.
  static Result<Netlink> open_in(int fd);

  /// Makes all changes, in order; those after a failed one are tried too. The error is the first one's.
  Status run(const Batch& batch);

  /// Waits (at most a second) until the link sends: after both ends of a pair are up, the one that was first
  /// is started by the kernel a moment later and drops what it is given until then.
  Status await_running(int link);

  Result<std::vector<Link>> links();
  Result<std::vector<LinkAddress>> addresses();
  /// IPv4 routes that carry kRouteProtocol.
  Result<std::vector<Route>> routes();
  /// Marks of the IPv4 rules at `priority`.
  Result<std::vector<uint32_t>> rule_marks(uint32_t priority);

 private:
  explicit Netlink(Fd fd) : fd_(std::move(fd)) {}
  Status run_some(const Batch::Change* first, const Batch::Change* last);
  Result<bool> running(int link);
  Status dump(uint16_t type, const std::function<void(const nlmsghdr*)>& each);
  Fd fd_;
  uint32_t sequence_ = 1;
};

}  // namespace nubecita::host
