#include "services/ecr/manifest.hpp"

#include <gtest/gtest.h>

namespace nubecita::ecr {
namespace {

const std::string kA = "sha256:" + std::string(64, 'a'), kB = "sha256:" + std::string(64, 'b');
const std::string kOci = "application/vnd.oci.image.manifest.v1+json";

std::string descriptor(const std::string& digest, const std::string& more = "") {
  return R"({"mediaType":"application/octet-stream","digest":")" + digest + R"(","size":7)" + more + "}";
}
std::string why(const Result<Manifest>& m) { return m ? "" : m.error().message; }

TEST(Manifest, ReadsAnImage) {
  auto m =
      parse_manifest(R"({"schemaVersion":2,"config":)" + descriptor(kA) + R"(,"layers":[)" + descriptor(kB) +
                         R"(],"subject":)" + descriptor(kB) + R"(,"annotations":{"k":"v"}})",
                     kOci);
  ASSERT_TRUE(m) << why(m);
  EXPECT_FALSE(m->is_index);
  ASSERT_EQ(m->blobs.size(), 2u);
  EXPECT_EQ(m->blobs[0].digest, kA);
  EXPECT_EQ(m->size(), 14);
  EXPECT_EQ(m->subject.digest, kB);
  EXPECT_EQ(m->artifact_type, "application/octet-stream");
  EXPECT_EQ(m->annotations.at("k"), "v");
}

TEST(Manifest, ReadsAnIndexAndForeignLayers) {
  auto m = parse_manifest(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
          descriptor(kA) + "]}",
      "");
  ASSERT_TRUE(m) << why(m);
  EXPECT_TRUE(m->is_index);
  EXPECT_EQ(m->children.at(0).digest, kA);
  auto foreign = R"({"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":")" +
                 kB + R"(","size":1,"urls":["https://x"]})";
  m = parse_manifest(R"({"schemaVersion":2,"config":)" + descriptor(kA) + R"(,"layers":[)" + foreign + "]}",
                     "application/vnd.docker.distribution.manifest.v2+json");
  ASSERT_TRUE(m) << why(m);
  EXPECT_TRUE(m->blobs[1].elsewhere);
}

TEST(Manifest, RefusesWhatIsWrong) {
  const std::string good_config = R"("config":)" + descriptor(kA);
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "line"},
           {"[]", "object"},
           {R"({"schemaVersion":1})", "schemaVersion"},
           {R"({"schemaVersion":2})", "config is missing"},
           {R"({"schemaVersion":2,)" + good_config + "}", "layers must be a list"},
           {R"({"schemaVersion":2,)" + good_config + R"(,"layers":[{"digest":"sha256:zz","size":1}]})",
            "layers[0].digest"},
           {R"({"schemaVersion":2,)" + good_config + R"(,"layers":[{"digest":")" + kB + R"(","size":-1}]})",
            "layers[0].size"},
           {R"({"schemaVersion":2,)" + good_config + R"(,"layers":[{"digest":")" + kB + R"("}]})",
            "layers[0].size"},
           {R"({"schemaVersion":2,"mediaType":"other",)" + good_config + R"(,"layers":[]})", "mediaType"},
           {R"({"schemaVersion":2,"manifests":[],)" + good_config + R"(,"layers":[]})", "manifests"}}) {
    auto m = parse_manifest(text, kOci);
    ASSERT_FALSE(m) << text;
    if (part != "line") EXPECT_NE(why(m).find(part), std::string::npos) << why(m);
  }
  EXPECT_FALSE(parse_manifest(R"({"schemaVersion":2})", "text/html"));
  EXPECT_FALSE(parse_manifest(std::string(kMaxManifest + 1, ' '), kOci));
}

TEST(Manifest, NamesAndDigests) {
  for (auto good : {"ab", "a/b-c/d_e.f", "library/ghost", "0x"})
    EXPECT_TRUE(is_repository_name(good)) << good;
  for (auto bad : {"", "a", "A/b", "a//b", "-ab", "ab-", "a/-b", "a..b", "a@b", "a:b", "../x", "a/../b"})
    EXPECT_FALSE(is_repository_name(bad)) << bad;
  EXPECT_TRUE(is_digest(kA));
  EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(is_digest("sha256:../../../../etc/passwd"));
  EXPECT_TRUE(is_digest("sha512:" + std::string(128, '0')));
  EXPECT_TRUE(is_tag("v1.0_x-Y"));
  for (auto bad : {"", ".x", "-x", "a b", "a/b", "a@b"}) EXPECT_FALSE(is_tag(bad)) << bad;
}

}  // namespace
}  // namespace nubecita::ecr
