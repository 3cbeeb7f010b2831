// What an ENI costs on the machine, through host::Network alone: made and enforced one by one and many at
// once, one group member changed, adoption after a restart, removal. Needs root; leaves nothing behind.
//
//   network_bench [how many, default 1 100 1000]
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/cidr.hpp"
#include "base/ids.hpp"
#include "host/network/network.hpp"

namespace {

using namespace nubecita;
using namespace nubecita::host;
using Clock = std::chrono::steady_clock;

/// Processor time of this process, the kernel's work for it included: comparable on a busy machine.
double cpu_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}
double ms_since(Clock::time_point t) {
  return std::chrono::duration<double, std::milli>(Clock::now() - t).count();
}

EniSpec eni(int n) {
  return {fmt::format("eni-{:017x}", n),
          fmt::format("subnet-{}", n % 2),
          ipv4_text(0x0a000000u + (n % 2 ? 0x2000u : 0x1000u) + 10 + n / 2),
          fmt::format("02:00:00:00:{:02x}:{:02x}", n >> 8, n & 255),
          "",
          false,
          true,
          true,
          {n % 3 ? "sg-app" : "sg-db"}};
}

VpcSpec vpc() {
  VpcSpec v;
  v.id = "vpc-bench";
  v.cidrs = {"10.0.0.0/16"};
  v.subnets = {{"subnet-0", "10.0.16.0/20", "rtb-1", "acl-1"},
               {"subnet-1", "10.0.32.0/20", "rtb-1", "acl-1"}};
  v.route_tables = {{"rtb-1", {{"10.0.0.0/16", RouteSpec::To::local, {}}}}};
  v.acls = {{"acl-1", {{100, false, true}, {100, true, true}}}};
  v.groups = {{"sg-app", {{true}, {false, "tcp", 80, 80, "0.0.0.0/0", {}}}},
              {"sg-db", {{true}, {false, "tcp", 5432, 5432, {}, "sg-app"}}}};
  for (auto& g : v.groups) g.rules[0].cidr = "0.0.0.0/0";
  return v;
}

bool fine(const Result<Applied>& r) {
  if (r && r->errors.empty()) return true;
  fmt::print(stderr, "{}\n", r ? r->errors.begin()->second : r.error().message);
  return false;
}

std::unique_ptr<Network> open(const std::string& tag) {
  auto n = make_network({tag, "127.102.0.0/16"});
  if (n) return std::move(*n);
  fmt::print(stderr, "{}\n", n.error().message);
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> counts;
  for (int i = 1; i < argc; ++i) counts.push_back(std::atoi(argv[i]));
  if (counts.empty()) counts = {1, 100, 1000};
  const auto tag = random_hex(4);
  auto network = open(tag);
  bool ok = true;
  for (int count : counts) {
    auto v = vpc();
    auto t = Clock::now();
    ok = ok && fine(network->apply(v));
    const double router = ms_since(t);
    for (int i = 0; i < count; ++i) v.enis.push_back(eni(i));
    t = Clock::now();
    ok = ok && fine(network->apply(v));
    const double all = ms_since(t);
    std::vector<double> single;
    const double cpu = cpu_ms();
    for (int i = 0; i < 9; ++i) {
      v.enis.push_back(eni(count + i));
      t = Clock::now();
      ok = ok && fine(network->apply(v));
      single.push_back(ms_since(t));
    }
    const double cpu_each = (cpu_ms() - cpu) / 9;
    std::sort(single.begin(), single.end());
    v.enis[0].groups = {"sg-app", "sg-db"};
    t = Clock::now();
    ok = ok && fine(network->apply(v));
    const double group = ms_since(t);
    network = open(tag);
    t = Clock::now();
    ok = ok && fine(network->apply(v));
    const double adopt = ms_since(t);
    v.enis.pop_back();
    t = Clock::now();
    ok = ok && fine(network->apply(v));
    const double one_gone = ms_since(t);
    t = Clock::now();
    ok = ok && network->remove_everything().has_value();
    fmt::print(
        "{:>5} ENIs: router {:.1f} ms, all at once {:.2f} ms each, one more {:.2f} ms (median; worst {:.2f}; "
        "{:.2f} ms of CPU), groups changed "
        "{:.2f} ms, adopted {:.1f} ms, one removed {:.1f} ms, all removed {:.0f} ms\n",
        count, router, all / count, single[4], single.back(), cpu_each, group, adopt, one_gone, ms_since(t));
  }
  (void)network->remove_everything();
  return ok ? 0 : 1;
}
