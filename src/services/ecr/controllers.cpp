#include "services/ecr/controllers.hpp"

#include <algorithm>
#include <set>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "services/ecr/blobs.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"
#include "services/ecr/lifecycle.hpp"

namespace nubecita::ecr {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr int64_t kGraceMs = 5 * 60 * 1000;

// "<account>/<region>/<rest>", the work key of all of ours.
std::string work_key(const store::ParsedKey& k, std::string_view rest) {
  return std::string(k.account) + "/" + std::string(k.region) + "/" + std::string(rest);
}
std::pair<store::Scope, std::string> from_work_key(const std::string& key) {
  auto one = key.find('/'), two = key.find('/', one + 1);
  return {{key.substr(0, one), key.substr(one + 1, two - one - 1)}, key.substr(two + 1)};
}

// Layers that no image of their repository needs. One transaction per repository: an image that is pushed
// meanwhile makes it a conflict, and the layer is seen to be needed the next time.
Status sweep_layers(api::Cloud& cloud, int64_t before) {
  std::vector<std::pair<store::Scope, std::string>> repositories;
  cloud.store->begin()->each<Repository>([&](const store::Scope& scope, Repository& r) {
    repositories.emplace_back(scope, r.name);
    return true;
  });
  for (auto& [scope, name] : repositories) {
    TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
      std::vector<Layer> old;
      for (auto& l : tx.list<Layer>(scope, name + "@"))
        if (l.created < before) old.push_back(std::move(l));
      if (old.empty()) return {};
      std::set<std::string> needed;
      for (auto& i : list_images_of(tx, scope, name)) needed.insert(i.layers.begin(), i.layers.end());
      for (auto& l : old)
        if (!needed.contains(l.digest)) tx.erase<Layer>(scope, l.key());
      return {};
    }));
  }
  return {};
}

bool in_use(store::Store& store, std::string_view digest) {
  bool found = false;
  store.begin()->each<Layer>([&](const store::Scope&, Layer& l) { return !(found = l.digest == digest); });
  return found;
}

void sweep_files(api::Cloud& cloud, const Blobs& blobs, int64_t before) {
  std::set<std::string> used;
  cloud.store->begin()->each<Layer>([&](const store::Scope&, Layer& l) {
    used.insert(l.digest);
    return true;
  });
  std::vector<std::string> candidates;
  blobs.each([&](const std::string& digest, int64_t written) {
    if (written < before && !used.contains(digest)) candidates.push_back(digest);
  });
  for (auto& digest : candidates) {
    auto hold = Blobs::hold(digest);
    if (in_use(*cloud.store, digest)) continue;  // pushed or mounted since
    blobs.remove(digest);
    log_info("ecr", "removed {}, which no repository has", digest);
  }
}

Status sweep_uploads(api::Cloud& cloud, const Blobs& blobs, int64_t before) {
  std::map<std::string, int64_t> files;
  blobs.each_upload([&](const std::string& id, int64_t written) { files[id] = written; });
  std::vector<std::pair<store::Scope, Upload>> records;
  cloud.store->begin()->each<Upload>([&](const store::Scope& scope, Upload& u) {
    records.emplace_back(scope, u);
    return true;
  });
  for (auto& [scope, u] : records) {
    auto it = files.find(u.id);
    const bool stale = it == files.end() ? u.created < before : it->second < before;
    if (!stale) {
      files.erase(u.id);
      continue;
    }
    auto busy = Blobs::Busy::claim(u.id);
    if (!busy) {
      files.erase(u.id);
      continue;
    }
    TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
      tx.erase<Upload>(scope, u.key());
      return {};
    }));
    blobs.discard(u.id);
    files.erase(u.id);
  }
  for (auto& [id, written] : files) {  // of deleted repositories, of crashed pushes
    if (written >= before) continue;
    if (auto busy = Blobs::Busy::claim(id)) blobs.discard(id);
  }
  return {};
}

}  // namespace

Result<control::Again> run_sweep(api::Cloud& cloud, const SweepAges& ages) {
  Blobs blobs(cloud.config);
  const auto now = now_ms();
  TRY(sweep_uploads(cloud, blobs, now - ages.upload.count()));
  TRY(sweep_layers(cloud, now - ages.layer.count()));
  sweep_files(cloud, blobs, now - ages.blob.count());
  return control::again_in(hours(1));
}

Result<control::Again> run_lifecycle(api::Cloud& cloud, const store::Scope& scope,
                                     const std::string& repository) {
  const auto now = now_ms();
  size_t expired = 0;
  bool policy = false, deferred = false;
  TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
    expired = 0;
    deferred = false;
    auto r = tx.get<Repository>(scope, repository);
    policy = r && !r->lifecycle.empty();
    if (!policy) return {};
    TRY_LET(auto rules, parse_lifecycle(r->lifecycle));
    auto all = list_images_of(tx, scope, repository);
    auto tags = tags_by_digest(tx, scope, repository);
    std::vector<LifecycleImage> images;
    for (auto& i : all)
      images.push_back({i.digest, tags[i.digest], i.pushed, needed_by(all, i.digest).has_value()});
    Located at{scope, *r};
    for (auto& e : evaluate_lifecycle(rules, images, now)) {
      if (now - images[e.image].pushed < kGraceMs) {
        deferred = true;
        continue;
      }
      delete_image(tx, at, all[e.image]);
      ++expired;
    }
    tx.put(scope, LifecycleRun{repository, now});
    return {};
  }));
  if (expired) log_info("ecr", "the lifecycle policy of {} expired {} images", repository, expired);
  if (!policy) return control::done();
  return control::again_in(deferred ? std::chrono::milliseconds(minutes(5))
                                    : std::chrono::milliseconds(hours(1)));
}

void add_controllers(api::Cloud& cloud) {
  cloud.engine->add(
      {.name = "ecr.scan",
       .tables = {std::string(Scan::kTable)},
       .workers = 1,  // a scanner takes a core and much memory
       .keys_for = [](const store::ParsedKey& k, std::string_view) { return std::vector{work_key(k, k.id)}; },
       .reconcile =
           [&cloud](const std::string& key) {
             auto [scope, id] = from_work_key(key);
             return run_scan(cloud, scope, id);
           }});
  cloud.engine->add(
      {.name = "ecr.lifecycle",
       .tables = {std::string(Repository::kTable), std::string(Image::kTable), std::string(ImageTag::kTable)},
       .workers = 1,
       .keys_for = [](const store::ParsedKey& k,
                      std::string_view) { return std::vector{work_key(k, k.id.substr(0, k.id.find('@')))}; },
       .reconcile =
           [&cloud](const std::string& key) {
             auto [scope, repository] = from_work_key(key);
             return run_lifecycle(cloud, scope, repository);
           }});
  cloud.engine->add(
      {.name = "ecr.sweep",
       .tables = {std::string(Repository::kTable)},
       .workers = 1,
       .keys_for = [](const store::ParsedKey&, std::string_view) { return std::vector{std::string("all")}; },
       .reconcile = [&cloud](const std::string&) { return run_sweep(cloud); }});
}

}  // namespace nubecita::ecr
