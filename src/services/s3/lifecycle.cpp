#include "services/s3/lifecycle.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/s3/document.hpp"
#include "services/s3/multipart.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/own_work.hpp"

namespace nubecita::s3 {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr size_t kBatch = 200;  // keys looked at in one transaction

bool fits_tag(const Object& o, wire::Text key, wire::Text value) {
  auto it = o.tags.find(api::str(key));
  return it != o.tags.end() && it->second == value.sv();
}

bool fits_size(const Object& o, wire::Opt<int64_t> greater, wire::Opt<int64_t> less) {
  return !(greater.has() && o.size <= *greater) && !(less.has() && o.size >= *less);
}

std::string_view prefix_of(const model::LifecycleRule& r) {
  if (r.filter && r.filter->and_) return r.filter->and_->prefix;
  if (r.filter) return r.filter->prefix;
  return r.prefix;
}

bool fits(const model::LifecycleRule& r, std::string_view key, const Object& o) {
  if (r.status != "Enabled" || !key.starts_with(prefix_of(r))) return false;
  const auto* f = r.filter;
  if (!f) return true;
  if (f->tag && !fits_tag(o, f->tag->key, f->tag->value)) return false;
  if (!o.marker && !fits_size(o, f->object_size_greater_than, f->object_size_less_than)) return false;
  if (const auto* a = f->and_) {
    for (auto& t : a->tags)
      if (!fits_tag(o, t.key, t.value)) return false;
    if (!o.marker && !fits_size(o, a->object_size_greater_than, a->object_size_less_than)) return false;
  }
  return true;
}

/// The work of one bucket.
class Worker {
 public:
  Worker(api::Cloud& cloud, Blobs& blobs, const Bucket& bucket,
         const model::BucketLifecycleConfiguration& rules, int64_t now)
      : cloud_(cloud), store_(*cloud.store), blobs_(blobs), name_(bucket.name), rules_(rules), now_(now) {}

  size_t run() {
    for (std::string after; batch(after);) {
    }
    uploads();
    return gone_;
  }

 private:
  // False: there are no more keys.
  bool batch(std::string& after) {
    std::vector<std::string> keys;
    const auto base = object_key(name_, {});
    auto look = store_.begin();
    look->scan(base, base + after + '\0', [&](std::string_view k, std::string_view) {
      keys.emplace_back(k.substr(base.size()));
      return keys.size() < kBatch;
    });
    look.reset();
    if (keys.empty()) return false;
    after = keys.back();
    for (auto& key : keys) change([&](Exchange& x) { one(x, key); });
    return true;
  }

  void change(const std::function<void(Exchange&)>& work) {
    const size_t before = gone_;
    auto done = do_ourselves(cloud_, blobs_, name_, request_id_, now_, [&](Exchange& x) -> Status {
      gone_ = before;
      work(x);
      return {};
    });
    if (!done && done.error().code != "NoSuchBucket")
      log_warning("s3", "lifecycle of {}: {}", name_, done.error().message);
  }

  void tell_gone(Exchange& x, const std::string& key, std::string version) {
    Object gone;
    gone.version = std::move(version);
    notify(x, "LifecycleExpiration:Delete", key, gone);
    ++gone_;
  }

  bool locked(const Object& o) const { return o.hold || o.lock_until > now_; }

  void one(Exchange& x, const std::string& key) {
    auto newest = find_newest(x.tx, name_, key);
    if (!newest) return;
    noncurrent(x, key, *newest);
    newest = find_newest(x.tx, name_, key);
    if (!newest) return;
    for (auto& r : rules_.rules) {
      const auto* e = r.expiration;
      if (!e || !fits(r, key, *newest)) continue;
      if (newest->marker) {
        // A marker that hides nothing any more.
        const bool alone = !has_older(x.tx, key);
        const bool old = e->days.has() && now_ >= due(newest->modified, *e->days);
        if (alone && (e->expired_object_delete_marker.value_or(false) || old)) {
          erase_version(x, name_, key, {*newest, true});
          tell_gone(x, key, newest->version);
          return;
        }
        continue;
      }
      const bool is_due = (e->days.has() && now_ >= due(newest->modified, *e->days)) ||
                          (e->date.has() && now_ >= (*e->date).ms);
      if (!is_due || (locked(*newest) && !versioned(*x.bucket))) continue;
      std::optional<Object> marker;
      erase_newest(x, *x.bucket, key, marker);
      if (!marker) {
        tell_gone(x, key, {});
      } else {
        notify(x, "LifecycleExpiration:DeleteMarkerCreated", key, *marker);
        ++gone_;
      }
      return;
    }
  }

  bool has_older(store::Transaction& tx, const std::string& key) const {
    bool any = false;
    tx.scan(version_key(name_, key), {}, [&](std::string_view, std::string_view) {
      any = true;
      return false;
    });
    return any;
  }

  // A version is noncurrent since the next newer one was made.
  void noncurrent(Exchange& x, const std::string& key, const Object& newest) {
    std::vector<Object> older;
    x.tx.scan(version_key(name_, key), {}, [&](std::string_view, std::string_view v) {
      older.push_back(store::decode_record<Object>(v));
      return true;
    });
    int64_t since = newest.modified;
    for (size_t i = 0; i < older.size(); ++i) {
      for (auto& r : rules_.rules) {
        const auto* n = r.noncurrent_version_expiration;
        if (!n || !fits(r, key, older[i]) || locked(older[i])) continue;
        if (now_ < due(since, n->noncurrent_days.value_or(1))) continue;
        if (n->newer_noncurrent_versions.has() && i < static_cast<size_t>(*n->newer_noncurrent_versions))
          continue;
        erase_version(x, name_, key, {older[i], false});
        tell_gone(x, key, older[i].version);
        break;
      }
      since = older[i].modified;
    }
  }

  void uploads() {
    std::vector<Upload> all;
    auto look = store_.begin();
    look->scan(store::make_key("s3.upload", kEverywhere, name_ + "/"), {},
               [&](std::string_view, std::string_view v) {
                 all.push_back(store::decode_record<Upload>(v));
                 return true;
               });
    look.reset();
    for (auto& u : all)
      for (auto& r : rules_.rules) {
        const auto* a = r.abort_incomplete_multipart_upload;
        if (!a || r.status != "Enabled" || !u.key.starts_with(prefix_of(r)) ||
            now_ < due(u.initiated, a->days_after_initiation.value_or(1)))
          continue;
        change([&](Exchange& x) {
          if (!x.tx.get(upload_key(name_, u.key, u.id))) return;
          abort_upload(x.tx, name_, u, x.doomed);
          ++gone_;
        });
        break;
      }
  }

  api::Cloud& cloud_;
  store::Store& store_;
  Blobs& blobs_;
  std::string name_;
  const model::BucketLifecycleConfiguration& rules_;
  int64_t now_;
  size_t gone_ = 0;
  const std::string request_id_ = random_text(16, "0123456789ABCDEF");
};

}  // namespace

int64_t due(int64_t since, int64_t days) {
  const auto at = since + days * kDay;
  return (at + kDay - 1) / kDay * kDay;
}

size_t apply_lifecycle(api::Cloud& cloud, Blobs& blobs, int64_t now) {
  std::vector<Bucket> buckets;
  cloud.store->begin()->each<Bucket>([&](const store::Scope&, Bucket& b) {
    if (b.lifecycle) buckets.push_back(b);
    return true;
  });
  size_t gone = 0;
  for (auto& b : buckets) {
    Arena arena;
    auto tx = cloud.store->begin();
    const auto* rules = read_config<model::BucketLifecycleConfiguration>(*tx, arena, b.name,
                                                                         "PutBucketLifecycleConfiguration");
    tx.reset();
    if (rules) gone += Worker(cloud, blobs, b, *rules, now).run();
  }
  if (gone) log_info("s3", "lifecycle: {} versions and uploads expired", gone);
  return gone;
}

}  // namespace nubecita::s3
