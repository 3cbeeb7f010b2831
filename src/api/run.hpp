// What an operation may tell the gateway about one run of it, beside its answer. The operation and these
// functions run on one thread, so `call` needs no room for it.
//
//   api::afterwards(call, [index](bool done) { if (done) index->arrived(...); });
//   api::wait(call, [index](auto resume) { index->park(deadline, std::move(resume)); });
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace nubecita::api {

struct Call;

/// For services that keep something in memory beside the store. Called with true once this run's writes are
/// on the disk, before the client is answered; with false if this run comes to nothing (an error, a conflict,
/// wait()). Often on the commit thread: quick, without waiting, without throwing.
using Afterwards = std::move_only_function<void(bool done)>;
/// Gets `resume`, which runs the operation again from the start with a new Call::now; to be called once, from
/// any thread. No thread is held meanwhile. It may be called at once.
using Park = std::move_only_function<void(std::function<void()> resume)>;

void afterwards(Call& call, Afterwards then);
/// Instead of answering: nothing of this run is written, and `park` is called after the operation has
/// returned.
void wait(Call& call, Park park);
/// When the request came, in milliseconds: differs from Call::now in a run after wait().
int64_t started(const Call& call);
/// The client has closed its connection while the operation waited: what it takes from others is lost on him.
bool abandoned(const Call& call);
/// As the client addressed us: "127.0.0.1:4566", "sqs.us-east-1.amazonaws.com".
std::string_view host(const Call& call);

/// For whoever runs operations: the gateway, and tests. Made around the operation, on its thread.
class Run {
 public:
  Run(int64_t started, std::string_view host, bool abandoned = false);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  static Run& current();

  const int64_t started;
  const std::string_view host;
  const bool abandoned;
  std::vector<Afterwards> afterwards;
  Park park;

 private:
  Run* const outer_;
};

}  // namespace nubecita::api
