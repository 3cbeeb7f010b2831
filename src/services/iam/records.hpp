// What IAM keeps. Each record's table, key and members; every member's meaning is AWS's of the same name.
// Plain data.
//
// Scopes: entities live in {account, "global"}; what must be found without knowing the account (accounts,
// access keys, sessions) lives in kEverywhere. Names are unique without regard to case, as on AWS: keys are
// the lower-cased names.
//
// Secrets (access keys, private keys of server certificates) are in the store in clear, because signatures
// can only be verified with the clear secret; the data directory is readable by its owner only (mode 0700).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace nubecita::iam {

inline const store::Scope kEverywhere{"-", "-"};
inline store::Scope global_scope(std::string_view account) { return {std::string(account), "global"}; }

using Tags = std::map<std::string, std::string>;

/// The key of a name: lower case (ASCII).
inline std::string name_key(std::string_view name) {
  std::string k(name);
  for (char& c : k)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return k;
}

struct Account {  // kEverywhere
  static constexpr std::string_view kTable = "iam.account";
  std::string id, name, alias;
  bool management = false;
  std::string administrator_key;  // access key id of the user that bootstrap made
  int64_t created = 0;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("name", name)("alias", alias)("management", management)("admin_key", administrator_key)(
        "created", created);
  }
};

struct AccountAlias {  // kEverywhere: aliases are unique over all accounts
  static constexpr std::string_view kTable = "iam.alias";
  std::string alias, account;
  std::string key() const { return alias; }
  template <class A>
  void fields(A& a) {
    a("alias", alias)("account", account);
  }
};

struct User {
  static constexpr std::string_view kTable = "iam.user";
  std::string name, path = "/", id, boundary;  // boundary: ARN of a managed policy
  int64_t created = 0;
  std::vector<std::string> groups, attached, access_keys;  // names of groups, ARNs of policies, ids of keys
  std::map<std::string, std::string> inline_policies;      // name → document
  Tags tags;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("path", path)("id", id)("boundary", boundary)("created", created)("groups", groups)(
        "attached", attached)("keys", access_keys)("inline", inline_policies)("tags", tags);
  }
};

struct AccessKey {  // kEverywhere
  static constexpr std::string_view kTable = "iam.access_key";
  std::string id, secret, account, user, user_id,
      user_arn;  // the user's facts are copied: verifying costs one read
  bool inactive = false;
  int64_t created = 0;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("secret", secret)("account", account)("user", user)("user_id", user_id)("user_arn", user_arn)(
        "inactive", inactive)("created", created);
  }
};

struct Group {
  static constexpr std::string_view kTable = "iam.group";
  std::string name, path = "/", id;
  int64_t created = 0;
  std::vector<std::string> attached;
  std::map<std::string, std::string> inline_policies;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("path", path)("id", id)("created", created)("attached", attached)("inline",
                                                                                      inline_policies);
  }
};

struct Role {
  static constexpr std::string_view kTable = "iam.role";
  std::string name, path = "/", id, trust, description, boundary;
  int64_t max_session_s = 3600, created = 0;
  std::vector<std::string> attached, profiles;  // ARNs of policies, names of instance profiles
  std::map<std::string, std::string> inline_policies;
  std::map<std::string, std::string>
      trusted_ids;  // ARNs that `trust` names → whom they meant when it was written
  Tags tags;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("path", path)("id", id)("trust", trust)("description", description)("boundary", boundary)(
        "max_session", max_session_s)("created", created)("attached", attached)("profiles", profiles)(
        "inline", inline_policies)("trusted_ids", trusted_ids)("tags", tags);
  }
};

struct PolicyVersion {
  std::string id, document;  // id: "v3"
  int64_t created = 0;
  template <class A>
  void fields(A& a) {
    a("id", id)("document", document)("created", created);
  }
};

struct ManagedPolicy {  // customer managed; AWS managed ones are a table of the program (aws_managed.hpp)
  static constexpr std::string_view kTable = "iam.policy";
  std::string name, path = "/", id, description, default_version = "v1";
  int64_t created = 0, updated = 0, next_version = 2;
  std::vector<PolicyVersion> versions;
  Tags tags;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("path", path)("id", id)("description", description)("default", default_version)(
        "created", created)("updated", updated)("next", next_version)("versions", versions)("tags", tags);
  }
  const PolicyVersion* version(std::string_view version_id) const {
    for (auto& v : versions)
      if (v.id == version_id) return &v;
    return nullptr;
  }
};

/// The default version's text once more, by itself: what every authorization reads.
struct PolicyText {
  static constexpr std::string_view kTable = "iam.policy_text";
  std::string name, document;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("document", document);
  }
};

/// Index: who uses a managed policy, as a permission or as a boundary.
struct Attachment {
  static constexpr std::string_view kTable = "iam.attachment";
  std::string policy_arn, kind, name;  // kind: "user", "group", "role"
  bool boundary = false;
  std::string key() const { return policy_arn + (boundary ? "|b|" : "|a|") + kind + "|" + name_key(name); }
  template <class A>
  void fields(A& a) {
    a("policy", policy_arn)("kind", kind)("name", name)("boundary", boundary);
  }
};

/// Index: the members of a group.
struct Member {
  static constexpr std::string_view kTable = "iam.member";
  std::string group, user;
  std::string key() const { return name_key(group) + "/" + name_key(user); }
  template <class A>
  void fields(A& a) {
    a("group", group)("user", user);
  }
};

struct InstanceProfile {
  static constexpr std::string_view kTable = "iam.instance_profile";
  std::string name, path = "/", id, role;  // role: name; at most one, as on AWS
  int64_t created = 0;
  Tags tags;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("path", path)("id", id)("role", role)("created", created)("tags", tags);
  }
};

struct ServerCertificate {
  static constexpr std::string_view kTable = "iam.server_certificate";
  std::string name, path = "/", id, body, chain, private_key;  // PEM
  int64_t uploaded = 0, expires = 0;
  Tags tags;
  std::string key() const { return name_key(name); }
  template <class A>
  void fields(A& a) {
    a("name", name)("path", path)("id", id)("body", body)("chain", chain)("private_key", private_key)(
        "uploaded", uploaded)("expires", expires)("tags", tags);
  }
};

/// Index: who uses a server certificate, by ARN.
struct CertificateUse {
  static constexpr std::string_view kTable = "iam.certificate_use";
  std::string arn, user;
  std::string key() const { return arn + "|" + user; }
  template <class A>
  void fields(A& a) {
    a("arn", arn)("user", user);
  }
};

/// Temporary credentials, of AssumeRole, GetSessionToken and of ECS tasks.
struct Session {  // kEverywhere
  static constexpr std::string_view kTable = "iam.session";
  std::string id, secret, token, account;
  std::string kind;  // "role", "user", "root"
  std::string name;  // of the role or user
  std::string principal_arn, principal_id;
  std::string policy;                    // session policy document
  std::vector<std::string> policy_arns;  // managed policies used as session policies
  Tags tags;                             // session tags
  std::vector<std::string> transitive;   // their keys that role chaining passes on
  bool chained = false;                  // made with credentials that were themselves a role's session
  int64_t issued = 0, expires = 0;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("secret", secret)("token", token)("account", account)("kind", kind)("name", name)(
        "arn", principal_arn)("pid", principal_id)("policy", policy)("policy_arns", policy_arns)(
        "tags", tags)("transitive", transitive)("chained", chained)("issued", issued)("expires", expires);
  }
};

/// Orders sessions by their end, so that each new one can sweep away a few that are over.
struct SessionEnd {  // kEverywhere
  static constexpr std::string_view kTable = "iam.session_end";
  std::string at;  // zero-padded milliseconds, '.', session id
  std::string key() const { return at; }
  template <class A>
  void fields(A& a) {
    a("at", at);
  }
};

inline std::string user_arn(std::string_view account, const User& u) {
  return "arn:aws:iam::" + std::string(account) + ":user" + u.path + u.name;
}
inline std::string group_arn(std::string_view account, const Group& g) {
  return "arn:aws:iam::" + std::string(account) + ":group" + g.path + g.name;
}
inline std::string role_arn(std::string_view account, const Role& r) {
  return "arn:aws:iam::" + std::string(account) + ":role" + r.path + r.name;
}
inline std::string policy_arn(std::string_view account, const ManagedPolicy& p) {
  return "arn:aws:iam::" + std::string(account) + ":policy" + p.path + p.name;
}
inline std::string profile_arn(std::string_view account, const InstanceProfile& p) {
  return "arn:aws:iam::" + std::string(account) + ":instance-profile" + p.path + p.name;
}
inline std::string certificate_arn(std::string_view account, const ServerCertificate& c) {
  return "arn:aws:iam::" + std::string(account) + ":server-certificate" + c.path + c.name;
}

}  // namespace nubecita::iam
