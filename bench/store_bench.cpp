// The store's ceiling for small durable writes: what CreateLogGroup does to it, without HTTP, signatures and
// IAM. Each of N writers has one transaction under way (a read, a record of 100 bytes or as many as given)
// and starts the next when that is answered. Prints one JSON line: commits, seconds, and CPU microseconds of
// the process per commit.
//   store_bench DIRECTORY WRITERS SECONDS [BYTES]
#include <ctime>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "store/store.hpp"

namespace {
using namespace nubecita;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/// Writers whose commit was answered, in the order of the answers.
class Ready {
 public:
  void put(int writer) {
    {
      std::lock_guard lock(mutex_);
      writers_.push_back(writer);
    }
    filled_.notify_one();
  }
  std::vector<int> take() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !writers_.empty(); });
    return std::exchange(writers_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<int> writers_;
};
}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fprintf(stderr, "usage: %s DIRECTORY WRITERS SECONDS [BYTES]\n", argv[0]);
    return 2;
  }
  auto store = store::Store::open(argv[1]);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  std::string record(argc == 5 ? std::stoull(argv[4]) : 100, 'x');
  std::mt19937_64 random(1);
  for (auto& byte : record) byte = static_cast<char>(random());  // bytes that nobody can compress
  Ready ready;
  uint64_t serial = 0, commits = 0;
  int under_way = 0;
  auto start = [&](int writer) {
    auto tx = (*store)->begin();
    const auto key =
        store::make_key("bench", {"111122223333", "us-east-1"}, "/bench/" + std::to_string(serial++));
    if (!tx->get(key)) tx->put(key, record);
    ++under_way;
    (*store)->commit(std::move(tx), [&ready, writer](store::CommitResult result, std::string) {
      if (result != store::CommitResult::done) std::abort();
      ready.put(writer);
    });
  };
  const auto began = Clock::now();
  const auto ending = began + std::chrono::duration<double>(std::atof(argv[3]));
  const double cpu = cpu_seconds();
  for (int i = 0; i < std::atoi(argv[2]); ++i) start(i);
  while (under_way > 0) {
    for (int writer : ready.take()) {
      --under_way;
      ++commits;
      if (Clock::now() < ending) start(writer);
    }
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf("{\"commits\": %llu, \"seconds\": %.3f, \"cpu_us\": %.1f}\n",
              static_cast<unsigned long long>(commits), seconds,
              (cpu_seconds() - cpu) / static_cast<double>(commits) * 1e6);
}
