// What a task asks at 169.254.170.2: its role's credentials and its metadata, version 4
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html). One listener
// per VPC that has tasks, in the namespace of its router (one in the task's own would take port 80 from the
// application). A task is known by its address: the router drops forged ones, so that no task can ask for
// another's.
//
// Answers are made on one thread of its own: they read the store, and credentials write it. Any thread may
// open and close. Lifecycle: 1. construct, 2. open()/close(), 3. destroy before the HTTP server.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "api/cloud.hpp"
#include "base/result.hpp"
#include "http/message.hpp"
#include "http/server.hpp"
#include "services/ecs/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecs {

class TaskMetadata {
 public:
  TaskMetadata(api::Cloud& cloud, http::Server& server);
  ~TaskMetadata();

  /// Opening twice is fine. `netns`: of the router of the task's VPC; `ip`: the task's address.
  Status open(const std::string& task_key, const std::string& netns, const std::string& ip);
  void close(const std::string& task_key);

 private:
  struct Endpoint;
  struct Question {
    std::string task_key, path;
    http::Respond respond;
  };
  struct Credentials {
    std::string json;
    int64_t renew_at = 0;
  };
  void ask(Question q);
  void run();
  http::Answer answer(const std::string& task_key, const std::string& path);
  http::Answer credentials(const store::Scope& scope, const Task& task);

  api::Cloud& cloud_;
  http::Server& server_;
  std::mutex opening_;  // before mutex_: who opens and closes listeners
  std::mutex mutex_;
  std::condition_variable asked_;
  std::map<std::string, std::unique_ptr<Endpoint>> open_;  // by namespace
  std::deque<Question> questions_;
  std::map<std::string, Credentials> credentials_;  // the answering thread's own
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace nubecita::ecs
