// What ECR keeps. Plain data. Ids of what belongs to a repository are "<repository>@<rest>": no repository
// name has an
// '@', so one repository's records are one range of keys and never another's whose name begins alike.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::ecr {

struct Tag {
  std::string key, value;
  template <class A>
  void fields(A& a) {
    a("k", key)("v", value);
  }
};

struct Repository {
  static constexpr std::string_view kTable = "ecr.repository";
  std::string name;
  int64_t created = 0;                // ms
  bool immutable = false;             // tags cannot move
  std::vector<std::string> excluded;  // wildcard patterns of tags to which the opposite applies
  bool scan_on_push = false;
  std::string policy;     // repository policy; empty: none
  std::string lifecycle;  // lifecycle policy; empty: none
  std::vector<Tag> tags;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("created", created)("immutable", immutable)("excluded", excluded)("scan", scan_on_push)(
        "policy", policy)("lifecycle", lifecycle)("tags", tags);
  }
};

/// A blob that a repository has: whoever may read the repository may read it. The bytes are a file
/// (blobs.hpp).
struct Layer {
  static constexpr std::string_view kTable = "ecr.layer";
  std::string repository, digest;
  int64_t size = 0, created = 0;
  std::string key() const { return repository + "@" + digest; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("digest", digest)("size", size)("created", created);
  }
};

/// A manifest. Its text is stored beside it, unchanged, under table "ecr.manifest" and the same id.
struct Image {
  static constexpr std::string_view kTable = "ecr.image";
  static constexpr std::string_view kManifestTable = "ecr.manifest";
  std::string repository, digest, media_type, artifact_type;
  int64_t size = 0;                   // of configuration and layers
  int64_t pushed = 0;                 // ms
  std::vector<std::string> layers;    // blobs that it needs, configuration first
  std::vector<std::string> children;  // manifests that it needs (an index)
  std::string subject;                // digest of the manifest that it is about; may be absent
  std::map<std::string, std::string> annotations;
  std::string key() const { return repository + "@" + digest; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("digest", digest)("media", media_type)("artifact", artifact_type)(
        "size", size)("pushed", pushed)("layers", layers)("children", children)("subject", subject)(
        "annotations", annotations);
  }
};

struct ImageTag {
  static constexpr std::string_view kTable = "ecr.tag";
  std::string repository, name, digest;
  std::string key() const { return repository + "@" + name; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("name", name)("digest", digest);
  }
};

/// An upload under way; what has come is a file. Found again after a restart.
struct Upload {
  static constexpr std::string_view kTable = "ecr.upload";
  std::string repository, id;
  int64_t created = 0;
  std::string key() const { return repository + "@" + id; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("id", id)("created", created);
  }
};

/// A scan that was asked for (StartImageScan, scan on push).
struct Scan {
  static constexpr std::string_view kTable = "ecr.scan";
  std::string repository, digest;
  int64_t requested = 0;
  std::string key() const { return repository + "@" + digest; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("digest", digest)("requested", requested);
  }
};

struct Finding {
  std::string name, description, uri, severity, package, version, fixed;
  template <class A>
  void fields(A& a) {
    a("name", name)("text", description)("uri", uri)("severity", severity)("package", package)(
        "version", version)("fixed", fixed);
  }
};
/// What the scanner found; observed.
struct ScanResult {
  static constexpr std::string_view kTable = "ecr.scan_result";
  std::string repository, digest;
  int64_t requested = 0;  // of the Scan that this answers
  std::string status;     // COMPLETE, FAILED
  std::string description;
  int64_t completed = 0;
  std::vector<Finding> findings;
  std::string key() const { return repository + "@" + digest; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("digest", digest)("requested", requested)("status", status)(
        "text", description)("completed", completed)("findings", findings);
  }
};

/// When the lifecycle policy was last evaluated; observed.
struct LifecycleRun {
  static constexpr std::string_view kTable = "ecr.lifecycle_run";
  std::string repository;
  int64_t evaluated = 0;
  std::string key() const { return repository; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("evaluated", evaluated);
  }
};

struct Preview {
  static constexpr std::string_view kTable = "ecr.preview";
  std::string repository, policy;
  int64_t started = 0;
  std::string key() const { return repository; }
  template <class A>
  void fields(A& a) {
    a("repository", repository)("policy", policy)("started", started);
  }
};

/// What the installation signs registry passwords with; scope account "-", region "-", id "key".
struct TokenKey {
  static constexpr std::string_view kTable = "ecr.token_key";
  std::string secret;  // hexadecimal
  std::string key() const { return "key"; }
  template <class A>
  void fields(A& a) {
    a("secret", secret);
  }
};

}  // namespace nubecita::ecr
