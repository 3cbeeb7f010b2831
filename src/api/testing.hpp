// A bench for unit tests of services: a real store in a temporary directory, a cloud without a machine, an
// authorizer that a test sets. Operations run as the gateway runs them: authorization is demanded, an error
// writes nothing, a success is committed before it is answered, a conflict runs the operation again.
//
//   api::testing::Bench bench("ec2");
//   model::CreateVpcRequest in;
//   in.cidr_block = "10.0.0.0/16";
//   auto out = bench.run("CreateVpc", create_vpc, in);     // Result<CreateVpcResult>
//   EXPECT_EQ(out->vpc->cidr_block, "10.0.0.0/16");        // answers live as long as the bench
//
// Only for tests. One thread.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "base/clock.hpp"
#include "store/store.hpp"

namespace nubecita::api::testing {

/// Allows what `allow` allows (everything unless set) and remembers what was asked.
class FakeAuthorizer : public Authorizer {
 public:
  struct Asked {
    std::string action, resource;
    Conditions conditions;
  };
  std::function<bool(const Asked&)> allow;
  std::vector<Asked> asked;

  Status check(store::Transaction&, const Question& question) override {
    asked.push_back({std::string(question.action), std::string(question.resource), question.conditions});
    if (!allow || allow(asked.back())) return {};
    return fail("AccessDenied", "not allowed: " + asked.back().action + " on " + asked.back().resource, 403);
  }
  bool was_asked(std::string_view action, std::string_view resource) const {
    for (const auto& a : asked)
      if (a.action == action && a.resource == resource) return true;
    return false;
  }
};

class Bench {
 public:
  explicit Bench(std::string_view service) : service_(service) {
    std::string pattern = (std::filesystem::temp_directory_path() / "nbc-test-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary directory");
    directory = pattern;
    auto opened = store::Store::open(directory + "/store", {.sync = false});
    if (!opened) throw std::runtime_error(opened.error().message);
    store_ = std::move(*opened);
    cloud.config.data_dir = directory;
    cloud.store = store_.get();
    cloud.authorizer = &authorizer;
    principal.kind = Principal::Kind::user;
    principal.account = account;
    principal.arn = "arn:aws:iam::" + account + ":user/tester";
    principal.id = "AIDATESTTESTTESTTEST1";
    principal.name = "tester";
  }
  ~Bench() {
    store_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  template <class In, class Out>
  Result<Out> run(std::string_view operation, Status (*handler)(Call&, const In&, Out&), const In& in) {
    for (int attempt = 0; attempt < 100; ++attempt) {
      auto tx = store_->begin();
      Call call(cloud, *tx, arena, principal);
      call.account = account;
      call.region = region;
      call.service = service_;
      call.operation = operation;
      call.request_id = "test";
      call.source_ip = "127.0.0.1";
      call.now = now_ms();
      Out out{};
      TRY(handler(call, in, out));
      if (!call.authorized())
        throw std::logic_error(std::string(operation) + " succeeded without authorization");
      if (before_commit) before_commit();
      auto result = store_->commit(std::move(tx));
      if (result == store::CommitResult::done) return out;
      if (result == store::CommitResult::failed) throw std::runtime_error("commit failed");
    }
    throw std::runtime_error("conflicts without end");
  }

  /// Runs `work` in a transaction of its own and commits it.
  Status transact(const std::function<Status(store::Transaction&)>& work) { return store_->transact(work); }
  /// A look at the store.
  template <class F>
  auto look(F f) {
    auto tx = store_->begin();
    return f(*tx);
  }

  wire::Text text(std::string_view s) { return wire::Text::view(arena.copy(s)); }
  template <class T>
  T* make() {
    return arena.make<T>();
  }
  template <class T>
  wire::List<T> list(std::initializer_list<T> items) {
    wire::List<T> l;
    l.data_ = arena.make_array<T>(items.size() ? items.size() : 1);
    l.size_ = static_cast<uint32_t>(items.size());
    l.set = true;
    std::copy(items.begin(), items.end(), l.data_);
    return l;
  }
  wire::List<wire::Text> texts(std::initializer_list<std::string_view> items) {
    std::vector<wire::Text> copies;
    for (auto s : items) copies.push_back(text(s));
    auto l = list<wire::Text>({});
    l.data_ = arena.make_array<wire::Text>(copies.size() + 1);
    l.size_ = static_cast<uint32_t>(copies.size());
    std::copy(copies.begin(), copies.end(), l.data_);
    return l;
  }

  store::Scope scope() const { return {account, region}; }
  store::Store& store() { return *store_; }

  std::string directory, account = "111122223333", region = "us-east-1";
  Cloud cloud;
  FakeAuthorizer authorizer;
  Principal principal;
  Arena arena;
  std::function<void()> before_commit;  // e.g. writes something that makes a conflict

 private:
  std::string_view service_;
  std::unique_ptr<store::Store> store_;
};

}  // namespace nubecita::api::testing
