// What KMS keeps. Key material lies in the store only sealed under the installation's key (vault.hpp). Plain
// data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::kms {

/// One generation of a key's material; rotation adds one, old ones stay for what they have encrypted.
struct Material {
  std::string id;  // 16 hexadecimal digits
  std::string sealed;
  int64_t made = 0;
  bool on_demand = false;
  template <class A>
  void fields(A& a) {
    a("id", id)("sealed", sealed)("made", made)("on_demand", on_demand);
  }
};

struct Key {
  static constexpr std::string_view kTable = "kms.key";
  std::string id;  // a UUID
  std::string description, policy;
  int64_t created = 0;
  bool disabled = false;
  int64_t delete_at = 0;  // pending deletion if not 0
  int pending_days = 0;
  bool of_aws = false;  // an AWS managed key (alias/aws/...)
  bool rotates = false;
  int rotation_days = 365;
  int64_t next_rotation = 0;
  int on_demand_rotations = 0;
  std::vector<Material> materials;  // the last one encrypts
  std::map<std::string, std::string> tags;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("description", description)("policy", policy)("created", created)("disabled", disabled)(
        "delete_at", delete_at)("pending_days", pending_days)("of_aws", of_aws)("rotates", rotates)(
        "rotation_days", rotation_days)("next_rotation", next_rotation)("on_demand", on_demand_rotations)(
        "materials", materials)("tags", tags);
  }
};

struct Alias {
  static constexpr std::string_view kTable = "kms.alias";
  std::string name;  // "alias/..."
  std::string key_id;
  int64_t created = 0, updated = 0;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("key", key_id)("created", created)("updated", updated);
  }
};

struct Grant {
  static constexpr std::string_view kTable = "kms.grant";
  std::string key_id, id, token, name;
  std::string grantee, retiring, issuing_account;
  std::vector<std::string> operations;
  std::map<std::string, std::string> context_subset, context_equals;
  int64_t created = 0;
  std::string key() const { return key_id + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("key", key_id)("id", id)("token", token)("name", name)("grantee", grantee)("retiring", retiring)(
        "account", issuing_account)("operations", operations)("subset", context_subset)(
        "equals", context_equals)("created", created);
  }
};

}  // namespace nubecita::kms
