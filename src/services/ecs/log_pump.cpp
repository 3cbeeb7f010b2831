#include "services/ecs/log_pump.hpp"

#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <set>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "services/logs/logs.hpp"

namespace nubecita::ecs {

namespace {
constexpr size_t kBatch = 1 << 20;      // bytes read at a time
constexpr int64_t kGiveBack = 4 << 20;  // bytes read before the disk gets them back
constexpr int kGatherMs = 50;           // lines that come together are committed together
constexpr size_t kLongestEvent = 256 * 1024;
}  // namespace

size_t read_k8s_lines(std::string_view bytes, bool last, std::vector<LogLine>& out) {
  size_t taken = 0;
  LogLine joined;
  bool joining = false;
  for (size_t at = 0; at < bytes.size();) {
    size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos && !last) break;
    std::string_view line = bytes.substr(at, end == std::string_view::npos ? end : end - at);
    at = end == std::string_view::npos ? bytes.size() : end + 1;
    // "<time> stdout|stderr F|P <text>"
    size_t a = line.find(' '), b = a == std::string_view::npos ? a : line.find(' ', a + 1);
    if (b == std::string_view::npos || b + 2 > line.size()) {
      if (!joining) taken = at;
      continue;
    }
    if (!joining) joined.timestamp_ms = parse_time(line.substr(0, a)).value_or(now_ms());
    joined.text += line.size() > b + 3 ? line.substr(b + 3) : std::string_view();
    const bool partial = line[b + 1] == 'P' && joined.text.size() < kLongestEvent;
    joining = partial;
    if (partial) continue;
    out.push_back(std::move(joined));
    joined = {};
    taken = at;
  }
  if (joining && last) {
    out.push_back(std::move(joined));
    taken = bytes.size();
  }
  return taken;
}

struct LogPump::File {
  LogTarget target;
  std::mutex mutex;  // one reader at a time
  int fd = -1, watch = -1;
  int64_t offset = 0, given_back = 0;
  ~File() {
    if (fd >= 0) close(fd);
  }
};

LogPump::LogPump(store::Store& store)
    : store_(store),
      inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { run(); });
}

LogPump::~LogPump() {
  eventfd_write(wake_, 1);
  thread_.join();
  close(inotify_);
  close(wake_);
}

Status LogPump::check(const LogTarget& t) {
  return store_.transact([&](store::Transaction& tx) {
    return logs::append(tx, {t.scope.account, t.region}, t.group, t.stream, {}, t.create_group);
  });
}

void LogPump::add(const LogTarget& target) {
  auto file = std::make_shared<File>();
  file->target = target;
  {
    auto tx = store_.begin();
    auto stored =
        tx->get<LogOffset>(target.scope, target.cluster + "/" + target.task + "/" + target.container);
    if (stored) file->offset = file->given_back = stored->offset;
  }
  // conmon makes the file when the container starts; it must be there to be watched.
  file->fd = open(target.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  file->watch = inotify_add_watch(inotify_, target.path.c_str(), IN_MODIFY);
  {
    std::lock_guard lock(mutex_);
    files_[target.path] = file;
  }
  while (pump(*file, false)) {
  }
}

void LogPump::finish(const std::string& path) {
  std::shared_ptr<File> file;
  {
    std::lock_guard lock(mutex_);
    auto it = files_.find(path);
    if (it == files_.end()) return;
    file = it->second;
    files_.erase(it);
  }
  if (file->watch >= 0) inotify_rm_watch(inotify_, file->watch);
  while (pump(*file, true)) {
  }
}

/// True if there may be more.
bool LogPump::pump(File& f, bool last) {
  std::lock_guard lock(f.mutex);
  if (f.fd < 0) return false;
  std::string bytes(kBatch, '\0');
  ssize_t n = pread(f.fd, bytes.data(), bytes.size(), f.offset);
  if (n <= 0) return false;
  bytes.resize(static_cast<size_t>(n));
  std::vector<LogLine> lines;
  const bool whole = bytes.size() < kBatch;
  size_t taken = read_k8s_lines(bytes, last && whole, lines);
  if (!taken) return false;
  std::vector<logs::NewEvent> events;
  for (auto& l : lines)
    if (!l.text.empty()) events.push_back({l.timestamp_ms, std::move(l.text)});
  const LogTarget& t = f.target;
  LogOffset offset{t.cluster, t.task, t.container, f.offset + static_cast<int64_t>(taken)};
  auto done = store_.transact([&](store::Transaction& tx) -> Status {
    tx.put(t.scope, offset);
    if (events.empty()) return {};
    return logs::append(tx, {t.scope.account, t.region}, t.group, t.stream, events, t.create_group);
  });
  if (!done) {
    // The group was deleted while the container runs: its lines have nowhere to go, as on AWS.
    log_warning("ecs", "logs of {} to {}: {}", t.container, t.group, done.error().message);
    if (done.error().code != "ResourceNotFoundException") return false;
  }
  f.offset = offset.offset;
  if (f.offset - f.given_back > kGiveBack) {
    fallocate(f.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, f.offset);
    f.given_back = f.offset;
  }
  return !whole;
}

void LogPump::run() {
  alignas(inotify_event) char buffer[4096];
  pollfd fds[2] = {{inotify_, POLLIN, 0}, {wake_, POLLIN, 0}};
  for (;;) {
    poll(fds, 2, -1);
    if (fds[1].revents) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(kGatherMs));
    std::set<int> changed;
    for (ssize_t n; (n = read(inotify_, buffer, sizeof buffer)) > 0;)
      for (char* p = buffer; p < buffer + n;) {
        auto* e = reinterpret_cast<inotify_event*>(p);
        changed.insert(e->wd);
        p += sizeof(inotify_event) + e->len;
      }
    std::vector<std::shared_ptr<File>> due;
    {
      std::lock_guard lock(mutex_);
      for (auto& [path, f] : files_)
        if (changed.contains(f->watch)) due.push_back(f);
    }
    for (auto& f : due)
      while (pump(*f, false)) {
      }
  }
}

}  // namespace nubecita::ecs
