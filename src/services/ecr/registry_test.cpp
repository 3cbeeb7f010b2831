// The distribution API and the ECR operations on one store, without a network: requests go straight to the
// Registry.
#include "services/ecr/registry.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "api/testing.hpp"
#include "base/ids.hpp"
#include "host/processes/processes.hpp"
#include "models/ecr.hpp"
#include "services/ecr/blobs.hpp"
#include "services/ecr/controllers.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/images.hpp"

namespace nubecita::ecr {
namespace {

std::string digest_of(std::string_view text) { return "sha256:" + to_hex(sha256(text)); }

class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_test_clock(-1);
    registry = std::make_unique<Registry>(bench.cloud);
    EXPECT_TRUE(bench.transact([&](store::Transaction& tx) -> Status {
      api::Principal p = bench.principal;
      p.kind = api::Principal::Kind::role;  // its password needs no access key in IAM
      password = make_password(tx, p, now_ms() + 3600'000);
      return {};
    }));
    create("app");
  }
  void TearDown() override {
    registry.reset();
    set_test_clock(-1);
  }

  void create(const std::string& name, bool immutable = false, bool scan = false) {
    model::CreateRepositoryRequest in;
    in.repository_name = bench.text(name);
    if (immutable) in.image_tag_mutability = "IMMUTABLE";
    in.image_scanning_configuration = bench.make<model::ImageScanningConfiguration>();
    in.image_scanning_configuration->scan_on_push = scan;
    auto out = bench.run("CreateRepository", create_repository, in);
    ASSERT_TRUE(out) << out.error().message;
  }

  struct Got {
    int status;
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string header(std::string_view name) const {
      for (auto& [n, v] : headers)
        if (n == name) return v;
      return "";
    }
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Got ask(std::string method, std::string path, std::string body = "", Headers more = {}, bool login = true) {
    Headers headers = {{"Host", host}};
    if (login) headers.emplace_back("Authorization", "Basic " + base64("AWS:" + password));
    headers.insert(headers.end(), more.begin(), more.end());
    auto receiver = registry->begin(http::make_head(method, path, headers));
    for (size_t i = 0; i < body.size(); i += 3)
      if (!receiver->write(std::string_view(body).substr(i, 3))) break;
    std::promise<http::Answer> promise;
    receiver->finish([&](http::Answer a) { promise.set_value(std::move(a)); });
    auto a = promise.get_future().get();
    if (a.file >= 0) {
      a.body.resize(a.file_size);
      EXPECT_EQ(::pread(a.file, a.body.data(), a.file_size, static_cast<off_t>(a.file_offset)),
                static_cast<ssize_t>(a.file_size));
    }
    return {a.status, a.body, a.headers};
  }
  std::string push_blob(const std::string& bytes, const std::string& repository = "app") {
    auto d = digest_of(bytes);
    auto got = ask("POST", "/v2/" + repository + "/blobs/uploads/?digest=" + d, bytes);
    EXPECT_EQ(got.status, 201) << got.body;
    return d;
  }
  static std::string manifest_for(const std::string& config, size_t config_size,
                                  const std::vector<std::pair<std::string, size_t>>& layers,
                                  const std::string& more = "") {
    auto one = [](const std::string& d, size_t n) {
      return R"({"mediaType":"application/x","digest":")" + d + R"(","size":)" + std::to_string(n) + "}";
    };
    std::string out =
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
        one(config, config_size) + R"(,"layers":[)";
    for (size_t i = 0; i < layers.size(); ++i) out += (i ? "," : "") + one(layers[i].first, layers[i].second);
    return out + "]" + more + "}";
  }
  /// A pushed image with one layer of these bytes; its digest.
  std::string push_image(const std::string& tag, const std::string& layer,
                         const std::string& repository = "app") {
    auto c = push_blob("{}", repository), l = push_blob(layer, repository);
    auto m = manifest_for(c, 2, {{l, layer.size()}});
    auto got = ask("PUT", "/v2/" + repository + "/manifests/" + (tag.empty() ? digest_of(m) : tag), m,
                   {{"Content-Type", "application/vnd.oci.image.manifest.v1+json"}});
    EXPECT_EQ(got.status, 201) << got.body;
    EXPECT_EQ(got.header("Docker-Content-Digest"), digest_of(m));
    return digest_of(m);
  }

  api::testing::Bench bench{"ecr"};
  std::string host = "111122223333.dkr.ecr.us-east-1.nubecita.localhost:4566", password;
  std::unique_ptr<Registry> registry;
};

TEST_F(RegistryTest, PushesAndPullsAnImage) {
  auto digest = push_image("v1", "layer bytes");
  auto got = ask("GET", "/v2/app/manifests/v1");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(digest_of(got.body), digest);
  EXPECT_EQ(got.header("Content-Type"), "application/vnd.oci.image.manifest.v1+json");
  EXPECT_EQ(ask("HEAD", "/v2/app/manifests/" + digest).status, 200);
  EXPECT_EQ(ask("GET", "/v2/app/blobs/" + digest_of("layer bytes")).body, "layer bytes");
  auto part = ask("GET", "/v2/app/blobs/" + digest_of("layer bytes"), "", {{"Range", "bytes=6-"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "bytes");
  EXPECT_EQ(part.header("Content-Range"), "bytes 6-10/11");
  EXPECT_EQ(ask("GET", "/v2/app/blobs/" + digest_of("layer bytes"), "", {{"Range", "bytes=99-"}}).status,
            416);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/v2").status, 404);
  EXPECT_NE(ask("GET", "/v2/nothing/manifests/v1").body.find("NAME_UNKNOWN"), std::string::npos);
  // The same by the path's first parts, as podman pulls from 127.0.0.1.
  host = "127.0.0.1:4566";
  EXPECT_EQ(ask("GET", "/v2/111122223333/us-east-1/app/manifests/v1").status, 200);
  EXPECT_EQ(ask("GET", "/v2/111122223333/eu-central-1/app/manifests/v1").status, 404);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/v1").status, 404);
}

TEST_F(RegistryTest, UploadsInChunksAndResumesAfterARestart) {
  auto started = ask("POST", "/v2/app/blobs/uploads/");
  ASSERT_EQ(started.status, 202);
  auto location = started.header("Location");
  auto patched = ask("PATCH", location, "hello ", {{"Content-Range", "0-5"}});
  EXPECT_EQ(patched.status, 202);
  EXPECT_EQ(patched.header("Range"), "0-5");
  registry = std::make_unique<Registry>(bench.cloud);
  UploadHash::forget(location.substr(location.rfind('/') + 1));  // as after a restart
  auto status = ask("GET", location);
  EXPECT_EQ(status.status, 204);
  EXPECT_EQ(status.header("Range"), "0-5");
  EXPECT_EQ(ask("PATCH", location, "x", {{"Content-Range", "9-9"}}).status, 416);
  EXPECT_EQ(ask("PATCH", location, "wor", {{"Content-Range", "6-8"}}).status, 202);
  EXPECT_EQ(ask("PUT", location + "?digest=" + digest_of("something else"), "ld").status, 400);
  auto done = ask("PUT", location + "?digest=" + digest_of("hello world"));
  EXPECT_EQ(done.status, 201) << done.body;
  EXPECT_EQ(ask("GET", done.header("Location")).body, "hello world");
  EXPECT_EQ(ask("GET", location).status, 404);
}

TEST_F(RegistryTest, ChecksDigestsOfBothKinds) {
  EXPECT_EQ(ask("POST", "/v2/app/blobs/uploads/?digest=" + digest_of("a"), "b").status, 400);
  EXPECT_EQ(ask("HEAD", "/v2/app/blobs/" + digest_of("a")).status, 404);
  const std::string abc512 =
      "sha512:"
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d44"
      "23643ce80e2a9ac94fa54ca49f";
  EXPECT_EQ(ask("POST", "/v2/app/blobs/uploads/?digest=" + abc512, "abc").status, 201);
  EXPECT_EQ(ask("GET", "/v2/app/blobs/" + abc512).body, "abc");
  auto uploads = std::filesystem::directory_iterator(bench.directory + "/blobs/uploads");
  EXPECT_EQ(std::distance(begin(uploads), end(uploads)), 0) << "a refused blob leaves nothing";
}

TEST_F(RegistryTest, MountsFromWhatTheClientMayRead) {
  create("other");
  push_blob("shared");
  auto mounted = ask("POST", "/v2/other/blobs/uploads/?from=app&mount=" + digest_of("shared"));
  EXPECT_EQ(mounted.status, 201);
  EXPECT_EQ(ask("GET", "/v2/other/blobs/" + digest_of("shared")).body, "shared");
  EXPECT_EQ(ask("POST", "/v2/other/blobs/uploads/?from=app&mount=" + digest_of("unknown")).status, 202);
  host = "127.0.0.1:4566";
  EXPECT_EQ(
      ask("POST", "/v2/111122223333/us-east-1/other/blobs/uploads/?from=111122223333/us-east-1/app&mount=" +
                      digest_of("shared"))
          .status,
      201);
  host = "111122223333.dkr.ecr.us-east-1.nubecita.localhost:4566";
  push_blob("secret");
  bench.authorizer.allow = [](auto& a) {
    return !(a.action == "ecr:GetDownloadUrlForLayer" && a.resource.ends_with("/app"));
  };
  EXPECT_EQ(ask("POST", "/v2/other/blobs/uploads/?from=app&mount=" + digest_of("secret")).status, 202)
      << "a session, not the blob";
  EXPECT_EQ(ask("GET", "/v2/other/blobs/" + digest_of("secret")).status, 404);
}

TEST_F(RegistryTest, RefusesManifestsWithoutTheirParts) {
  auto c = push_blob("{}");
  auto m = manifest_for(c, 2, {{digest_of("never pushed"), 3}});
  auto got = ask("PUT", "/v2/app/manifests/x", m);
  EXPECT_EQ(got.status, 404);
  EXPECT_NE(got.body.find("MANIFEST_BLOB_UNKNOWN"), std::string::npos);
  EXPECT_EQ(ask("PUT", "/v2/app/manifests/x", "{}").status, 400);
  EXPECT_EQ(ask("PUT", "/v2/app/manifests/" + digest_of("other"), manifest_for(c, 2, {})).status, 400);
  EXPECT_EQ(ask("PUT", "/v2/app/manifests/bad:tag", manifest_for(c, 2, {})).status, 400);
}

TEST_F(RegistryTest, KeepsImmutableTags) {
  create("fixed", true);
  auto first = push_image("v1", "one", "fixed");
  EXPECT_EQ(push_image("v1", "one", "fixed"), first) << "the same again is fine";
  auto c = push_blob("{}", "fixed");
  auto got = ask("PUT", "/v2/fixed/manifests/v1", manifest_for(c, 2, {}));
  EXPECT_EQ(got.status, 400);
  EXPECT_NE(got.body.find("TAG_INVALID"), std::string::npos);
  push_image("v1", "one");
  EXPECT_NE(push_image("v1", "two"), first) << "a mutable tag moves";
}

TEST_F(RegistryTest, AsksWhoAndWhat) {
  auto anonymous = ask("GET", "/v2/", "", {}, false);
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_TRUE(anonymous.header("WWW-Authenticate").starts_with("Basic realm="));
  EXPECT_EQ(ask("GET", "/v2/").status, 200);
  auto real = password;
  for (const auto& bad : {std::string("x"), real + "0", real.substr(1), std::string(".")}) {
    password = bad;
    EXPECT_EQ(ask("GET", "/v2/").status, 401) << bad;
  }
  password = real;
  set_test_clock(now_ms() + 3600'001);
  EXPECT_NE(ask("GET", "/v2/").body.find("expired"), std::string::npos);
  set_test_clock(-1);
  push_image("v1", "x");
  for (const auto& [action, method, path] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"ecr:BatchGetImage", "GET", "/v2/app/manifests/v1"},
           {"ecr:PutImage", "PUT", "/v2/app/manifests/v1"},
           {"ecr:BatchDeleteImage", "DELETE", "/v2/app/manifests/v1"},
           {"ecr:GetDownloadUrlForLayer", "GET", "/v2/app/blobs/" + digest_of("x")},
           {"ecr:InitiateLayerUpload", "POST", "/v2/app/blobs/uploads/"},
           {"ecr:ListImages", "GET", "/v2/app/tags/list"}}) {
    bench.authorizer.allow = [denied = action](auto& a) { return a.action != denied; };
    auto got = ask(method, path);
    EXPECT_EQ(got.status, 403) << action;
    EXPECT_NE(got.body.find("DENIED"), std::string::npos);
  }
}

TEST_F(RegistryTest, ListsTagsAndReferrers) {
  for (auto t : {"c", "a", "b"}) push_image(t, t);
  auto page = ask("GET", "/v2/app/tags/list?n=2");
  EXPECT_EQ(page.body, R"({"name":"app","tags":["a","b"]})");
  EXPECT_EQ(page.header("Link"), "</v2/app/tags/list?n=2&last=b>; rel=\"next\"");
  EXPECT_EQ(ask("GET", "/v2/app/tags/list?n=2&last=b").body, R"({"name":"app","tags":["c"]})");
  auto subject = push_image("s", "subject");
  auto c = push_blob("{}");
  auto m = manifest_for(c, 2, {},
                        R"(,"artifactType":"application/sbom","subject":{"mediaType":"x","digest":")" +
                            subject + R"(","size":1})");
  auto put = ask("PUT", "/v2/app/manifests/" + digest_of(m), m);
  EXPECT_EQ(put.header("OCI-Subject"), subject);
  EXPECT_NE(ask("GET", "/v2/app/referrers/" + subject).body.find(digest_of(m)), std::string::npos);
  EXPECT_EQ(ask("GET", "/v2/app/referrers/" + subject + "?artifactType=other").body.find(digest_of(m)),
            std::string::npos);
}

TEST_F(RegistryTest, DeletesTagsAndImages) {
  auto d = push_image("v1", "x");
  EXPECT_EQ(ask("DELETE", "/v2/app/manifests/v1").status, 202);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/v1").status, 404);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/" + d).status, 200);
  EXPECT_EQ(ask("DELETE", "/v2/app/manifests/" + d).status, 202);
  EXPECT_EQ(ask("DELETE", "/v2/app/manifests/" + d).status, 404);
  EXPECT_EQ(ask("DELETE", "/v2/app/blobs/" + digest_of("x")).status, 405);
}

TEST_F(RegistryTest, SweepsOnlyWhatNothingNeeds) {
  push_image("v1", "kept");
  push_blob("loose");
  auto session = ask("POST", "/v2/app/blobs/uploads/").header("Location");
  SweepAges now{std::chrono::milliseconds(-1000), std::chrono::milliseconds(-1000),
                std::chrono::milliseconds(-1000)};
  ASSERT_TRUE(run_sweep(bench.cloud));
  EXPECT_EQ(ask("GET", "/v2/app/blobs/" + digest_of("loose")).status, 200) << "young things stay";
  ASSERT_TRUE(run_sweep(bench.cloud, now));
  Blobs blobs(bench.cloud.config);
  EXPECT_EQ(ask("GET", "/v2/app/blobs/" + digest_of("loose")).status, 404);
  EXPECT_EQ(blobs.size(digest_of("loose")), -1);
  EXPECT_EQ(ask("GET", session).status, 404);
  EXPECT_EQ(ask("GET", "/v2/app/blobs/" + digest_of("kept")).body, "kept");
  model::DeleteRepositoryRequest gone;
  gone.repository_name = "app";
  auto refused = bench.run("DeleteRepository", delete_repository, gone);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "RepositoryNotEmptyException");
  gone.force = true;
  ASSERT_TRUE(bench.run("DeleteRepository", delete_repository, gone));
  ASSERT_TRUE(run_sweep(bench.cloud, now));
  EXPECT_EQ(blobs.size(digest_of("kept")), -1);
}

TEST_F(RegistryTest, LifecycleExpiresButNotWhatWasJustPushed) {
  model::PutLifecyclePolicyRequest in;
  in.repository_name = "app";
  in.lifecycle_policy_text =
      R"({"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]})";
  ASSERT_TRUE(bench.run("PutLifecyclePolicy", put_lifecycle_policy, in));
  auto start = now_ms();
  set_test_clock(start - 60'000);
  push_image("old", "old");
  set_test_clock(start);
  push_image("new", "new");
  auto again = run_lifecycle(bench.cloud, bench.scope(), "app");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->after, std::chrono::minutes(5));
  EXPECT_EQ(ask("GET", "/v2/app/manifests/old").status, 200);
  set_test_clock(start + 6 * 60'000);
  ASSERT_TRUE(run_lifecycle(bench.cloud, bench.scope(), "app"));
  EXPECT_EQ(ask("GET", "/v2/app/manifests/old").status, 404);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/new").status, 200);
  model::GetLifecyclePolicyRequest get;
  get.repository_name = "app";
  auto policy = bench.run("GetLifecyclePolicy", get_lifecycle_policy, get);
  ASSERT_TRUE(policy);
  EXPECT_EQ((*policy->last_evaluated_at).ms, start + 6 * 60'000);
}

TEST_F(RegistryTest, ScansOnPush) {
  create("scanned", false, true);
  auto digest = push_image("v1", "layer", "scanned");
  model::DescribeImageScanFindingsRequest in;
  in.repository_name = "scanned";
  in.image_id = bench.make<model::ImageIdentifier>();
  in.image_id->image_tag = "v1";
  auto status = [&] {
    auto out = bench.run("DescribeImageScanFindings", describe_image_scan_findings, in);
    EXPECT_TRUE(out);
    return *out;
  };
  EXPECT_EQ(status().image_scan_status->status, "IN_PROGRESS");
  ASSERT_TRUE(run_scan(bench.cloud, bench.scope(), "scanned@" + digest));
  EXPECT_EQ(status().image_scan_status->status, "FAILED");
  EXPECT_NE(status().image_scan_status->description.sv().find("No image scanner is installed"),
            std::string_view::npos);

  // A scanner that reports what it was given.
  auto scanner = bench.directory + "/scanner";
  std::ofstream(scanner) << R"sh(#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in --input) in="$2";; --output) out="$2";; esac; shift; done
grep -q manifests "$in/index.json" && [ "$(ls "$in/blobs/sha256" | wc -l)" = 3 ] || exit 3
echo '{"Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-2026-1","Severity":"HIGH","PkgName":"zlib","InstalledVersion":"1"},{"VulnerabilityID":"CVE-2026-2","Severity":"UNKNOWN"}]}]}' > "$out"
)sh";
  ::chmod(scanner.c_str(), 0755);
  auto processes = host::make_processes(bench.directory);
  ASSERT_TRUE(processes);
  bench.cloud.processes = processes->get();
  bench.cloud.config.image_scanner = scanner;
  model::StartImageScanRequest start;
  start.repository_name = "scanned";
  start.image_id = in.image_id;
  set_test_clock(now_ms() + 1000);
  ASSERT_TRUE(bench.run("StartImageScan", start_image_scan, start));
  ASSERT_TRUE(run_scan(bench.cloud, bench.scope(), "scanned@" + digest));
  auto out = status();
  EXPECT_EQ(out.image_scan_status->status, "COMPLETE") << out.image_scan_status->description.sv();
  ASSERT_EQ(out.image_scan_findings->findings.size(), 2u);
  EXPECT_EQ(out.image_scan_findings->findings[0].name, "CVE-2026-1");
  EXPECT_EQ(out.image_scan_findings->findings[1].severity, "UNDEFINED");
  bench.cloud.processes = nullptr;
}

TEST_F(RegistryTest, OurReferences) {
  Config config;
  auto r = our_reference(config, host + "/team/app:v1");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->local("4566"), "127.0.0.1:4566/111122223333/us-east-1/team/app:v1");
  EXPECT_EQ(our_reference(config, "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app")->tag, "latest");
  EXPECT_EQ(our_reference(config, "127.0.0.1:4566/111122223333/us-east-1/app@sha256:x")->digest, "sha256:x");
  for (auto other : {"nginx", "docker.io/library/nginx:1", "111122223333.dkr.ecr.us-east-1.example.org/app",
                     "127.0.0.1:5000/111122223333/us-east-1/app", "quay.io/a/b"})
    EXPECT_FALSE(our_reference(config, other)) << other;
}

TEST_F(RegistryTest, OperationsOnImages) {
  auto digest = push_image("v1", "x");
  model::BatchGetImageRequest get;
  get.repository_name = "app";
  auto id = [&](std::string_view d, std::string_view t) {
    model::ImageIdentifier i;
    if (!d.empty()) i.image_digest = bench.text(d);
    if (!t.empty()) i.image_tag = bench.text(t);
    return i;
  };
  get.image_ids = bench.list({id("", "v1"), id("", "nope"), id(digest, "other"), id("", "")});
  auto got = bench.run("BatchGetImage", batch_get_image, get);
  ASSERT_TRUE(got);
  ASSERT_EQ(got->images.size(), 1u);
  EXPECT_EQ(digest_of(got->images[0].image_manifest.sv()), digest);
  ASSERT_EQ(got->failures.size(), 3u);
  EXPECT_EQ(got->failures[0].failure_code, "ImageNotFound");
  EXPECT_EQ(got->failures[2].failure_code, "MissingDigestAndTag");

  model::PutImageRequest put;
  put.repository_name = "app";
  put.image_manifest = got->images[0].image_manifest;
  put.image_tag = "v2";
  ASSERT_TRUE(bench.run("PutImage", put_image, put));
  auto twice = bench.run("PutImage", put_image, put);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, "ImageAlreadyExistsException");

  model::DescribeImagesRequest describe;
  describe.repository_name = "app";
  auto described = bench.run("DescribeImages", describe_images, describe);
  ASSERT_TRUE(described);
  ASSERT_EQ(described->image_details.size(), 1u);
  EXPECT_EQ(described->image_details[0].image_tags.size(), 2u);
  EXPECT_EQ(*described->image_details[0].image_size_in_bytes, 3);

  model::BatchDeleteImageRequest remove;
  remove.repository_name = "app";
  remove.image_ids = bench.list({id("", "v1")});
  ASSERT_TRUE(bench.run("BatchDeleteImage", batch_delete_image, remove));
  EXPECT_EQ(ask("GET", "/v2/app/manifests/v1").status, 404);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/v2").status, 200);
  remove.image_ids = bench.list({id("", "v2")});
  auto last = bench.run("BatchDeleteImage", batch_delete_image, remove);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->image_ids[0].image_digest, digest);
  EXPECT_EQ(ask("GET", "/v2/app/manifests/" + digest).status, 404) << "the last tag takes the image with it";
}

TEST_F(RegistryTest, OperationsOnLayers) {
  model::InitiateLayerUploadRequest begin;
  begin.repository_name = "app";
  auto begun = bench.run("InitiateLayerUpload", initiate_layer_upload, begin);
  ASSERT_TRUE(begun);
  model::UploadLayerPartRequest part;
  part.repository_name = "app";
  part.upload_id = begun->upload_id;
  part.part_first_byte = 0;
  part.part_last_byte = 4;
  part.layer_part_blob = "hello";
  ASSERT_TRUE(bench.run("UploadLayerPart", upload_layer_part, part));
  part.part_first_byte = 9;
  part.part_last_byte = 13;
  auto gap = bench.run("UploadLayerPart", upload_layer_part, part);
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, "InvalidLayerPartException");
  model::CompleteLayerUploadRequest complete;
  complete.repository_name = "app";
  complete.upload_id = begun->upload_id;
  complete.layer_digests = bench.texts({digest_of("other")});
  auto wrong = bench.run("CompleteLayerUpload", complete_layer_upload, complete);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, "InvalidLayerException");
  complete.layer_digests = bench.texts({digest_of("hello")});
  ASSERT_TRUE(bench.run("CompleteLayerUpload", complete_layer_upload, complete));
  model::GetDownloadUrlForLayerRequest url;
  url.repository_name = "app";
  url.layer_digest = bench.text(digest_of("hello"));
  auto got = bench.run("GetDownloadUrlForLayer", get_download_url_for_layer, url);
  ASSERT_TRUE(got);
  std::string target(got->download_url.sv());
  target = target.substr(target.find("/v2/"));
  EXPECT_EQ(ask("GET", target, "", {}, false).body, "hello");
  EXPECT_EQ(ask("GET", target + "0", "", {}, false).status, 403);
  set_test_clock(now_ms() + 3600'001);
  EXPECT_EQ(ask("GET", target, "", {}, false).status, 403);
}

}  // namespace
}  // namespace nubecita::ecr
