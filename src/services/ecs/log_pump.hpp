// Carries what containers print (conmon's k8s-file format) into CloudWatch Logs. Events and the offset up to
// which the file was read are committed together: nothing is lost and nothing told twice, whoever is killed
// when. What has been read is given back to the disk, so that a talkative container does not fill it.
//
// One thread, woken by inotify; any thread may add and finish. Lifecycle: 1. construct, 2. add()/finish(), 3.
// destroy.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "services/ecs/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecs {

struct LogTarget {
  store::Scope scope;  // of the task
  std::string cluster, task, container;
  std::string path;  // of the container's output
  std::string region, group, stream;
  bool create_group = false;
};

class LogPump {
 public:
  explicit LogPump(store::Store& store);
  ~LogPump();

  /// Makes the stream. Error ResourceNotFoundException: there is no such group.
  Status check(const LogTarget& target);
  void add(const LogTarget& target);
  /// Reads what is left and forgets the container. Waits.
  void finish(const std::string& path);

 private:
  struct File;
  void run();
  bool pump(File& file, bool last);

  store::Store& store_;
  int inotify_ = -1, wake_ = -1;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::thread thread_;
};

struct LogLine {
  int64_t timestamp_ms = 0;
  std::string text;
};
/// Whole lines of `bytes` (partial ones joined); answers how many bytes they took. With `last`, a line
/// without its end counts too.
size_t read_k8s_lines(std::string_view bytes, bool last, std::vector<LogLine>& out);

}  // namespace nubecita::ecs
