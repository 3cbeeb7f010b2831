#include "services/s3/own_work.hpp"

namespace nubecita::s3 {

Status do_ourselves(api::Cloud& cloud, Blobs& blobs, std::string_view bucket, std::string_view request_id,
                    int64_t now, const std::function<Status(Exchange&)>& work) {
  std::vector<std::string> doomed;
  std::vector<std::unique_ptr<Intake>> made;
  std::vector<api::Afterwards> then;
  auto settle = [&](bool committed) {
    for (auto& f : std::exchange(then, {})) f(committed);
  };
  auto done = cloud.store->transact([&](store::Transaction& tx) -> Status {
    settle(false);  // of a run that met a conflict
    made.clear();
    Arena arena;
    Claim nobody;
    static const http::HeadPtr head = http::make_head("GET", "/", {});
    const Target target{std::string(bucket), {}, {}, false, false};
    Exchange x(cloud, tx, arena, nobody, *head, target, blobs);
    x.now = now;
    x.request_id = request_id;
    TRY(x.find_bucket());
    TRY(work(x));
    doomed = std::move(x.doomed);
    made = std::move(x.made);
    then = std::exchange(x.then, {});
    return {};
  });
  settle(done.has_value());
  if (!done) return done;
  for (auto& m : made) m->blob().taken();
  blobs.remove(doomed);
  return {};
}

}  // namespace nubecita::s3
