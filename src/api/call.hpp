// What an operation gets. An operation is a synchronous function, named as AWS names it:
//
//   Status create_vpc(Call& call, const CreateVpcRequest& in, CreateVpcResult& out);
//
// It authorizes, validates, reads and writes through call.tx, fills `out` from the call's arena and returns.
// It never waits for the machine: controllers do the work after the commit. The gateway commits call.tx after
// it returns and answers the client only when the commit is on the disk; on a conflict the operation runs
// again from the start with a fresh Call, so it must have no effects outside call.tx. On an error nothing is
// written.
//
// One thread, as long as the request.
#pragma once

#include <concepts>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/cloud.hpp"
#include "base/arena.hpp"
#include "base/result.hpp"
#include "store/store.hpp"
#include "wire/value.hpp"

namespace nubecita::api {

/// Who signed the request.
struct Principal {
  enum class Kind { root, user, role, anonymous, system } kind = Kind::anonymous;
  std::string account;
  std::string arn;  // "arn:aws:iam::1:user/x", "arn:aws:sts::1:assumed-role/r/session", "arn:aws:iam::1:root"
  std::string id;   // unique id: "AIDA...", "AROA...:session", or the account number of root
  std::string name;                              // user name or role name
  std::string access_key;                        // the key that signed
  std::string session_policy;                    // policy document of an AssumeRole call; empty: none
  std::vector<std::string> session_policy_arns;  // managed policies given with it
  std::map<std::string, std::string> session_tags;
  int64_t token_issued_ms = 0;  // of a session
};

/// Condition keys of one authorization, e.g. {"aws:RequestTag/env", {"staging"}}. Names match without case.
using Conditions = std::vector<std::pair<std::string, std::vector<std::string>>>;

/// Those that hold whatever a request is about (source address, time, ...): made when a policy first asks for
/// one, which most never do. One thread.
class RequestConditions {
 public:
  RequestConditions() = default;
  /// What `make` points to lives as long as this.
  template <std::invocable Make>
  RequestConditions(Make make) : make_(std::move(make)) {}  // NOLINT(google-explicit-constructor)
  const Conditions& get() const {
    if (make_) made_ = std::exchange(make_, nullptr)();
    return made_;
  }
  void add(Conditions more) {
    get();
    made_.insert(made_.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
  }

 private:
  mutable std::function<Conditions()> make_;
  mutable Conditions made_;
};

/// Implemented by the IAM service; here so that every service may ask without knowing it.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  struct Question {
    const Principal& principal;
    std::string_view action;    // "ec2:CreateVpc"
    std::string_view resource;  // an ARN, or "*"
    const RequestConditions& request;
    const Conditions& conditions;       // those of the resource and the operation
    std::string_view resource_policy;   // policy document attached to the resource; empty: none
    std::string_view resource_account;  // owner of the resource
  };
  /// Allowed, or the error "AccessDenied" with a message that names principal, action and resource as AWS
  /// does.
  virtual Status check(store::Transaction& tx, const Question& question) = 0;
};

struct Call {
  Call(Cloud& the_cloud, store::Transaction& transaction, Arena& memory, const Principal& who)
      : cloud(the_cloud), tx(transaction), arena(memory), principal(who), account(who.account) {}

  Cloud& cloud;
  store::Transaction& tx;
  Arena& arena;
  const Principal& principal;
  std::string account;         // whose resources: the principal's account
  std::string region;          // from the signature's scope or the host name
  std::string_view service;    // IAM's prefix of the operation's service, e.g. "ec2"
  std::string_view operation;  // "CreateVpc"
  std::string request_id;
  std::string source_ip;
  bool tls = false;
  int64_t now = 0;  // milliseconds, one value for the whole request

  store::Scope scope() const { return {account, region}; }
  store::Scope global() const { return {account, "global"}; }

  /// Must succeed at least once in every operation that succeeds: the gateway refuses to commit otherwise.
  /// `resource` is an ARN or "*"; the action is "<service>:<operation>" unless `action` says another.
  Status authorize(std::string_view resource, const Conditions& conditions = {}, std::string_view action = {},
                   std::string_view resource_policy = {}, std::string_view resource_account = {});
  /// For the few operations that AWS lets any authenticated principal call (sts:GetCallerIdentity).
  void authorize_nothing() { authorized_ = true; }
  bool authorized() const { return authorized_; }

  /// An ARN in the call's account and region.
  std::string arn(std::string_view arn_service, std::string_view resource) const;

  // Answers live in the arena.
  wire::Text text(std::string_view s) { return wire::Text::view(arena.copy(s)); }
  template <class T>
  T* make() {
    return arena.make<T>();
  }
  /// A present list of n default elements.
  template <class T>
  wire::List<T> list(size_t n) {
    wire::List<T> l;
    l.data_ = n ? arena.make_array<T>(n) : nullptr;
    l.size_ = static_cast<uint32_t>(n);
    l.set = true;
    return l;
  }
  wire::List<wire::Text> texts(const std::vector<std::string>& v) {
    auto l = list<wire::Text>(v.size());
    for (size_t i = 0; i < v.size(); ++i) l[i] = text(v[i]);
    return l;
  }
  wire::Map<wire::Text> map(const std::map<std::string, std::string>& m) {
    auto l = list<wire::Entry<wire::Text>>(m.size());
    size_t i = 0;
    for (auto& [k, v] : m) l[i++] = {text(k), text(v)};
    return l;
  }

  RequestConditions request_conditions;  // what the gateway knows: aws:SourceIp, aws:SecureTransport, ...

 private:
  bool authorized_ = false;
};

/// Helpers between wire and std types.
inline std::string str(wire::Text t) { return std::string(t.sv()); }
inline std::vector<std::string> strings(const wire::List<wire::Text>& l) {
  std::vector<std::string> v;
  for (auto& t : l) v.emplace_back(t.sv());
  return v;
}

/// One page of a list: items after the opaque `token` (""/absent: from the start), at most `limit`.
/// `id_of` gives each item's ordering id (items must be sorted by it). Sets `next` to the token of the
/// following page. A token that we did not make gives error `bad_token_code`.
template <class T, class IdOf>
Result<std::vector<T>> page(std::vector<T> items, std::string_view token, size_t limit, IdOf id_of,
                            std::string& next, std::string_view bad_token_code = "InvalidNextToken");
Result<std::string> decode_token(std::string_view token, std::string_view bad_token_code);
std::string encode_token(std::string_view id);

template <class T, class IdOf>
Result<std::vector<T>> page(std::vector<T> items, std::string_view token, size_t limit, IdOf id_of,
                            std::string& next, std::string_view bad_token_code) {
  std::string after;
  if (!token.empty()) {
    TRY_LET(after, decode_token(token, bad_token_code));
  }
  std::vector<T> out;
  for (auto& item : items) {
    if (!after.empty() && id_of(item) <= after) continue;
    if (out.size() == limit) {
      next = encode_token(id_of(out.back()));
      break;
    }
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace nubecita::api
