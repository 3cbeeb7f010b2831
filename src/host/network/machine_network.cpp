// host::Network on this machine: which VPCs there are, and one router at a time worked on by one thread.
#include <unistd.h>

#include <mutex>

#include "base/cidr.hpp"
#include "host/network/host_side.hpp"
#include "host/network/namespaces.hpp"
#include "host/network/router.hpp"

namespace nubecita::host {
namespace {

class MachineNetwork : public Network {
 public:
  explicit MachineNetwork(NetworkOptions options) : options_(std::move(options)), host_(options_) {}

  Result<Applied> apply(const VpcSpec& spec) override {
    auto slot = slot_of(spec.id);
    std::lock_guard lock(slot->mutex);
    if (!slot->router) {
      TRY_LET(slot->router, Router::open(options_, host_, spec.id));
    }
    auto applied = slot->router->apply(spec);
    if (!applied) slot->router.reset();  // look again next time
    return applied;
  }

  Status remove_vpc(const std::string& id) override {
    auto slot = slot_of(id);
    std::lock_guard lock(slot->mutex);
    const auto name = prefix() + id;
    std::set<std::string> enis;
    if (slot->router) {
      enis = slot->router->enis();
    } else if (auto ns = open_namespace(name)) {
      TRY_LET(auto netlink, Netlink::open_in(ns->get()));
      TRY_LET(auto links, netlink.links());
      for (const auto& l : links)
        if (!l.alias.empty()) enis.insert(l.alias);
    }
    slot->router.reset();
    // Without its names the kernel takes the namespaces apart in the background, links included, many at a
    // time.
    for (const auto& eni : enis) TRY(drop_namespace(prefix() + eni));
    TRY(drop_namespace(name));
    return host_.remove_transit(id);
  }

  Result<Observed> observe() override {
    Observed seen;
    for (const auto& name : namespaces(prefix())) {
      auto id = name.substr(prefix().size());
      (id.starts_with("eni-") ? seen.enis : seen.vpcs).insert(std::move(id));
    }
    TRY_LET(auto transits, host_.transits());
    for (const auto& t : transits) seen.vpcs.insert(t.vpc);
    return seen;
  }

  Status remove_orphan(const std::string& eni) override {
    const auto name = prefix() + eni;
    // Its link goes at once, even if a process keeps the namespace alive.
    if (auto ns = open_namespace(name)) {
      TRY_LET(auto netlink, Netlink::open_in(ns->get()));
      TRY_LET(auto links, netlink.links());
      Batch batch;
      for (const auto& l : links)
        if (l.name == "eth0") batch.delete_link(l.index, "removing the link of " + eni);
      if (!batch.empty()) TRY(netlink.run(batch));
    }
    return drop_namespace(name);
  }

  Status remove_everything() override {
    TRY_LET(auto seen, observe());
    for (const auto& vpc : seen.vpcs) TRY(remove_vpc(vpc));
    for (const auto& eni : seen.enis) TRY(remove_orphan(eni));
    return host_.leave_if_last();
  }

  std::string netns_path(const std::string& eni) const override {
    return std::string(kNamespaceFolder) + "/" + prefix() + eni;
  }
  std::string router_netns_path(const std::string& vpc) const override { return netns_path(vpc); }

 private:
  struct Slot {
    std::mutex mutex;
    std::unique_ptr<Router> router;
  };
  std::shared_ptr<Slot> slot_of(const std::string& vpc) {
    std::lock_guard lock(mutex_);
    auto& slot = slots_[vpc];
    if (!slot) slot = std::make_shared<Slot>();
    return slot;
  }
  std::string prefix() const { return "n" + options_.tag + "-"; }

  const NetworkOptions options_;
  HostSide host_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

}  // namespace

Result<std::unique_ptr<Network>> make_network(NetworkOptions options) {
  if (options.tag.size() != 4) return fail("InvalidConfiguration", "an installation's tag has four digits");
  auto pool = Cidr::parse(options.public_pool);
  if (!pool || pool->is_v6() || pool->has_host_bits())
    return fail("InvalidConfiguration", "public_pool \"" + options.public_pool + "\" is no IPv4 block");
  if (::geteuid() != 0) return fail("NetworkUnavailable", "virtual networks need root", 500);
  return std::make_unique<MachineNetwork>(std::move(options));
}

}  // namespace nubecita::host
