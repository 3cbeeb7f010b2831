#include "services/s3/lifecycle.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/s3/document.hpp"
#include "services/s3/multipart.hpp"
#include "services/s3/notify.hpp"
#include "services/s3/own_work.hpp"
#include "services/s3/storage_class.hpp"

namespace nubecita::s3 {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr size_t kBatch = 200;  // keys looked at in one transaction
constexpr int64_t kLeastMoved =
    128 * 1024;  // bytes: smaller ones stay, unless a rule or the bucket says more

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

bool has_size(const model::LifecycleRule& r) {
  const auto* f = r.filter;
  return f &&
         (f->object_size_greater_than.has() || f->object_size_less_than.has() ||
          (f->and_ && (f->and_->object_size_greater_than.has() || f->and_->object_size_less_than.has())));
}

struct Done {
  size_t expired = 0;  // versions, markers, uploads
  size_t moved = 0;    // versions, to another storage class
};

/// The work of one bucket.
class Worker {
 public:
  Worker(api::Cloud& cloud, Blobs& blobs, const Bucket& bucket,
         const model::BucketLifecycleConfiguration& rules, int64_t now)
      : cloud_(cloud),
        store_(*cloud.store),
        blobs_(blobs),
        name_(bucket.name),
        any_size_to_archives_(bucket.any_size_to_archives),
        older_matter_(versioned(bucket) &&
                      std::ranges::any_of(rules.rules,
                                          [](auto& r) {
                                            return r.noncurrent_version_expiration ||
                                                   !r.noncurrent_version_transitions.empty();
                                          })),
        rules_(rules),
        now_(now) {}

  Done run() {
    for (std::string after; batch(after);) {
    }
    uploads();
    return done_;
  }

 private:
  // False: there are no more keys. Most have nothing due: only for those that may have, a transaction.
  bool batch(std::string& after) {
    std::vector<std::string> keys;
    size_t seen = 0;
    const auto base = object_key(name_, {});
    auto look = store_.begin();
    look->scan(base, base + after + '\0', [&](std::string_view k, std::string_view v) {
      after = k.substr(base.size());
      if (concerns(after, store::decode_record<Object>(v))) keys.push_back(after);
      return ++seen < kBatch;
    });
    look.reset();
    for (auto& key : keys) change([&](Exchange& x) { one(x, key); });
    return seen == kBatch;
  }

  bool concerns(std::string_view key, const Object& newest) const {
    if (older_matter_) return true;
    for (auto& r : rules_.rules)
      if (r.expiration && fits(r, key, newest) && (newest.marker || expires(*r.expiration, newest)))
        return true;
    return !newest.marker && !next_class(key, newest).empty();
  }

  bool expires(const model::LifecycleExpiration& e, const Object& o) const {
    return (e.days.has() && now_ >= due(o.modified, *e.days)) || (e.date.has() && now_ >= (*e.date).ms);
  }

  // The storage class that the newest version shall move to; empty: none.
  std::string_view next_class(std::string_view key, const Object& o) const {
    std::string_view to;
    for (auto& r : rules_.rules)
      if (fits(r, key, o))
        for (auto& t : r.transitions)
          if (t.days.has() ? now_ >= due(o.modified, *t.days) : now_ >= (*t.date).ms)
            consider(r, o, t.storage_class, to);
    return to;
  }

  void change(const std::function<void(Exchange&)>& work) {
    const auto before = done_;
    auto done = do_ourselves(cloud_, blobs_, name_, request_id_, now_, [&](Exchange& x) -> Status {
      done_ = before;
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
    ++done_.expired;
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
      if (!expires(*e, *newest) || (locked(*newest) && !versioned(*x.bucket))) continue;
      std::optional<Object> marker;
      erase_newest(x, *x.bucket, key, marker);
      if (!marker) {
        tell_gone(x, key, {});
      } else {
        notify(x, "LifecycleExpiration:DeleteMarkerCreated", key, *marker);
        ++done_.expired;
      }
      return;
    }
    if (newest->marker) return;
    if (const auto to = next_class(key, *newest); !to.empty()) move(x, key, {std::move(*newest), true}, to);
  }

  // Of what is due on the same day, the cheapest class.
  void consider(const model::LifecycleRule& r, const Object& o, std::string_view storage_class,
                std::string_view& to) const {
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
    const bool any_size = has_size(r) || (any_size_to_archives_ && is_archive(storage_class));
    if (o.size < kLeastMoved && !any_size) return;
    if (may_move(to.empty() ? std::string_view(o.storage_class) : to, storage_class)) to = storage_class;
  }

  void move(Exchange& x, const std::string& key, Found found, std::string_view to) {
    found.object.storage_class = to;
    found.object.restored_until = 0;
    put_again(x.tx, name_, key, found);
    notify(x, "LifecycleTransition", key, found.object);
    ++done_.moved;
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
      bool gone = false;
      std::string_view to;
      for (auto& r : rules_.rules) {
        if (!fits(r, key, older[i])) continue;
        // So old, and so many newer ones are kept as they are.
        auto is_due = [&](wire::Opt<int32_t> days, wire::Opt<int32_t> newer) {
          return now_ >= due(since, days.value_or(1)) && !(newer.has() && i < static_cast<size_t>(*newer));
        };
        for (auto& t : r.noncurrent_version_transitions)
          if (!older[i].marker && is_due(t.noncurrent_days, t.newer_noncurrent_versions))
            consider(r, older[i], t.storage_class, to);
        const auto* n = r.noncurrent_version_expiration;
        gone = gone || (n && !locked(older[i]) && is_due(n->noncurrent_days, n->newer_noncurrent_versions));
      }
      since = older[i].modified;
      if (gone) {
        erase_version(x, name_, key, {older[i], false});
        tell_gone(x, key, older[i].version);
      } else if (!to.empty()) {
        move(x, key, {older[i], false}, to);
      }
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
          ++done_.expired;
        });
        break;
      }
  }

  api::Cloud& cloud_;
  store::Store& store_;
  Blobs& blobs_;
  std::string name_;
  bool any_size_to_archives_, older_matter_;
  const model::BucketLifecycleConfiguration& rules_;
  int64_t now_;
  Done done_;
  const std::string request_id_ = random_text(16, "0123456789ABCDEF");
};

}  // namespace

int64_t due(int64_t since, int64_t days) {
  const auto at = since + days * kDay;
  return (at + kDay - 1) / kDay * kDay;
}

void apply_lifecycle(api::Cloud& cloud, Blobs& blobs, int64_t now) {
  std::vector<Bucket> buckets;
  cloud.store->begin()->each<Bucket>([&](const store::Scope&, Bucket& b) {
    if (b.lifecycle) buckets.push_back(b);
    return true;
  });
  Done all;
  for (auto& b : buckets) {
    Arena arena;
    auto tx = cloud.store->begin();
    const auto* rules = read_config<model::BucketLifecycleConfiguration>(*tx, arena, b.name,
                                                                         "PutBucketLifecycleConfiguration");
    tx.reset();
    if (!rules) continue;
    const auto done = Worker(cloud, blobs, b, *rules, now).run();
    all.expired += done.expired;
    all.moved += done.moved;
  }
  if (all.expired || all.moved)
    log_info("s3", "lifecycle: {} versions and uploads expired, {} versions moved to another storage class",
             all.expired, all.moved);
}

}  // namespace nubecita::s3
