// Opening the database, and opening it again after a failed write.
//
// RocksDB's own recovery (DB::Resume, its SstFileManager) keeps the log file whose write failed, and from 7.7
// on every further write to that file fails or asserts (github.com/facebook/rocksdb/issues/11643). So that
// machinery is off; after a failed write we close the database and open it again, which drops what was not
// wholly written. Its own LOG file would assert on a full disk in the same way: its messages go to our log.
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "store/impl.hpp"

namespace nubecita::store {
namespace {

constexpr uint64_t kRoomToOpen = 4u << 20;  // what opening may have to write: a manifest, a level-0 file
constexpr int kMostLogs = 8;

class OurLog : public rocksdb::Logger {
 public:
  OurLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}  // which file is damaged, and where, is a warning
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char text[1024];
    std::vsnprintf(text, sizeof text, format, arguments);
    if (std::strstr(text, "Unnable to persist options")) return;  // as we want it: NoOptionsFiles
    log_warning("store", "rocksdb: {}", static_cast<const char*>(text));
  }
};

class NoRecovery : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* automatic) override {
    *automatic = false;
  }
};

// RocksDB notes its settings in a file at every opening: written, synced, read again, renamed, the directory
// synced. Nobody reads it, ours are below, and it is a tenth of the time that a start takes. RocksDB goes on
// without (DBOptions::fail_if_options_file_error is off).
class NoOptionsFiles : public rocksdb::FileSystemWrapper {
 public:
  NoOptionsFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "NoOptionsFiles"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    if (name.find("/OPTIONS-") != name.npos) return rocksdb::IOStatus::NotSupported("no options files");
    return FileSystemWrapper::NewWritableFile(name, options, file, debug);
  }
};

// A table's keys often come in order (messages, log events, blobs): the next is looked for from the last one
// on.
class TableOfKey : public rocksdb::SliceTransform {
 public:
  const char* Name() const override { return "nubecita.TableOfKey"; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    const auto* end = static_cast<const char*>(std::memchr(key.data(), '/', key.size()));
    return {key.data(), end ? static_cast<size_t>(end - key.data()) : key.size()};
  }
  bool InDomain(const rocksdb::Slice&) const override { return true; }
};

rocksdb::Env* environment() {
  static const auto env = rocksdb::NewCompositeEnv(std::make_shared<NoOptionsFiles>());
  return env.get();
}

// For reading, given back at rest (Impl::rest). The indexes and filters of ten million items are 30 MiB:
// where they do not fit, a read that could have been one is three.
size_t block_cache_size() { return std::clamp<size_t>(memory_of_the_machine() / 64, 32u << 20, 256u << 20); }

// Small on purpose: the control plane's state is small, and idle memory is a promise.
rocksdb::Options tuning(bool accept_loss) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(block_cache_size());
  table.block_size = 8u << 10;
  table.filter_policy.reset(
      rocksdb::NewBloomFilterPolicy(10));  // ribbon's are smaller, and four times the CPU to make
  // Indexes and filters in small parts that are read when they are needed and dropped like any block: with
  // millions of keys they are a hundred megabytes, and reading them all makes the start slow.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // Nor is what finds those parts pinned: of ten million items it is 5 MiB, which would never be given back.
  table.pin_top_level_index_and_filter = false;
  table.enable_index_compression = false;
  table.checksum = rocksdb::kXXH3;  // Debian's RocksDB computes CRC-32C without the processor's instruction
  rocksdb::Options o;
  o.env = environment();
  o.create_if_missing = true;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  o.write_buffer_size = 8u << 20;
  o.memtable_insert_with_hint_prefix_extractor = std::make_shared<TableOfKey>();
  o.memtable_prefix_bloom_size_ratio = 0.02;  // most keys that are looked for there are not there
  o.memtable_whole_key_filtering = true;
  // A compaction of level 0 writes all of level 1 again: no larger than what comes down to it each time.
  // Levels 0 to 2, at most a third of a gigabyte, are not compressed: what is in them is written again soon,
  // and a file that comes down to a compressed level meets many times its own bytes there.
  o.max_bytes_for_level_base = 32u << 20;
  o.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression, rocksdb::kNoCompression,
                             rocksdb::kLZ4Compression};
  o.max_write_buffer_number = 2;
  o.max_background_jobs = 2;
  o.max_open_files = -1;
  o.max_file_opening_threads = 1;
  // Values that are worth it (small S3 objects, large messages) live in blob files: compaction moves their
  // keys only. Collecting garbage in them is switched on when there is some (weigh_garbage): it copies what
  // is alive in the oldest files, whether anything in them is dead or not.
  o.enable_blob_files = true;
  o.min_blob_size = 2u << 10;
  o.blob_file_size = 64u << 20;
  o.enable_blob_garbage_collection = false;
  o.blob_garbage_collection_age_cutoff = 0.25;
  o.blob_garbage_collection_force_threshold = 0.5;
  o.stats_dump_period_sec = 0;  // no thread that wakes up to count
  o.stats_persist_period_sec = 0;
  o.info_log = std::make_shared<OurLog>();
  // A write that was cut off ends a log; anything else that is wrong in one is damage, and behind it lie
  // writes that were acknowledged. RocksDB's default would drop them and say nothing.
  o.wal_recovery_mode = accept_loss ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                    : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.avoid_flush_during_recovery = !accept_loss;  // the damaged log goes with the flush
  o.avoid_flush_during_shutdown = true;
  o.max_bgerror_resume_count = 0;
  o.listeners.push_back(std::make_shared<NoRecovery>());
  o.paranoid_checks = true;
  return o;
}

std::string cause(const std::string& path, const rocksdb::Status& status) {
  const std::string text = status.ToString();
  if (text.find("lock") != std::string::npos && text.find("LOCK") != std::string::npos)
    return "The store " + path + " is in use by another nubecita: stop that one first. (" + text + ")";
  if (status.IsNoSpace() || text.find("No space left") != std::string::npos)
    return "The disk of the store " + path + " is full: make room and start again. (" + text + ")";
  if (status.IsCorruption() || status.IsInvalidArgument())
    return "The store " + path +
           " is damaged: put a copy of the directory back, or, if only a log is, go on without what was "
           "written "
           "after the damage: nubecita serve --accept-loss. (" +
           text + ")";
  return "The store " + path + " cannot be opened. (" + text + ")";
}

// Every opening begins a log and, to be quick, keeps the older ones as they are; with many of them the next
// opening is slow. What they hold goes to a file of the tree then, in the background.
void gather_logs(rocksdb::DB& db, const std::string& path) {
  std::error_code ignored;
  int logs = 0;
  for (const auto& file : std::filesystem::directory_iterator(path, ignored))
    logs += file.path().extension() == ".log";
  if (logs <= kMostLogs) return;
  rocksdb::FlushOptions later;
  later.wait = false;
  db.Flush(later).PermitUncheckedError();  // if it cannot, the logs stay
}

}  // namespace

Result<std::unique_ptr<rocksdb::DB>> Store::Impl::open_database(const std::string& path, bool accept_loss) {
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(tuning(accept_loss), path, &opened);
  if (!status.ok()) return fail("StoreUnavailable", cause(path, status), 503);
  gather_logs(*opened, path);
  return std::unique_ptr<rocksdb::DB>(opened);
}

void Store::Impl::weigh_garbage() {
  unweighed = 0;
  uint64_t all = 0, dead = 0;
  if (!db->GetIntProperty(rocksdb::DB::Properties::kLiveBlobFileSize, &all) ||
      !db->GetIntProperty(rocksdb::DB::Properties::kLiveBlobFileGarbageSize, &dead))
    return;
  const bool worth_it = dead > all / (collecting ? 10 : 5);
  if (worth_it == collecting) return;
  if (db->SetOptions({{"enable_blob_garbage_collection", worth_it ? "true" : "false"}}).ok())
    collecting = worth_it;
}

/// Tried at every group of commits, so that writes come back by themselves once there is room on the disk.
/// Empty, or why it cannot be done yet. Transactions that run meanwhile become stale: their commits answer
/// `conflict`.
std::string Store::Impl::recover() {
  struct statvfs room{};
  if (statvfs(path.c_str(), &room) == 0 && static_cast<uint64_t>(room.f_bavail) * room.f_frsize < kRoomToOpen)
    return "No space left on the disk of " + path + ": at least 4 MiB are needed to write again.";
  std::unique_lock alone(db_mutex);
  if (db) {
    std::lock_guard lock(live_mutex);
    for (auto& [at, tx] : live) {
      db->ReleaseSnapshot(tx->snapshot);
      tx->snapshot = nullptr;
      tx->stale = true;
    }
    live.clear();
    db->Close().PermitUncheckedError();
    db.reset();
  }
  auto opened = open_database(path, false);
  if (!opened) return opened.error().message;
  db = std::move(*opened);
  recent = RecentWrites();  // nobody who could ask has an older snapshot
  records.clear();
  collecting = false;
  unweighed = kWeighEvery;
  broken = false;
  count_everything_changed();  // the write that failed may be there after all
  log_info("store", "writes again");
  return {};
}

}  // namespace nubecita::store
