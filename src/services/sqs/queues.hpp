// All of SQS that is in memory: the indexes of the boxes in use, and one thread that brings them time. One
// per process (api::part<Queues>). Any thread.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "api/cloud.hpp"
#include "services/sqs/attributes.hpp"
#include "services/sqs/index.hpp"
#include "services/sqs/records.hpp"

namespace nubecita::sqs {

/// A queue as one transaction sees it.
struct View {
  store::Scope scope;
  Queue queue;
  Settings settings;
  std::string arn() const;
};
using ViewPtr = std::shared_ptr<const View>;

class Queues {
 public:
  explicit Queues(api::Cloud& cloud);
  ~Queues();
  Queues(const Queues&) = delete;
  Queues& operator=(const Queues&) = delete;

  /// Null: there is no such queue. The transaction has read its record.
  ViewPtr find(store::Transaction& tx, const store::Scope& scope, std::string_view name);
  /// By ARN, in any account and region.
  ViewPtr find(store::Transaction& tx, std::string_view arn);

  /// The index of the queue's present box, loaded. Ask before the commit of whatever it shall be told.
  std::shared_ptr<Index> index(const View& view);
  /// The box is gone: purged or deleted.
  void drop(const std::string& box);
  /// Calls the index's tick() at `when` at the latest.
  void schedule(const std::shared_ptr<Index>& index, int64_t when);

 private:
  void run();

  api::Cloud& cloud_;
  std::shared_mutex indexes_mutex_;
  std::unordered_map<std::string, std::shared_ptr<Index>> indexes_;

  std::mutex time_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::map<std::shared_ptr<Index>, int64_t> due_;
  std::set<std::pair<int64_t, std::shared_ptr<Index>>> times_;
  std::thread thread_;  // last
};

}  // namespace nubecita::sqs
