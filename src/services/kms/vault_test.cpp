#include "services/kms/vault.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "api/parts.hpp"
#include "api/testing.hpp"

namespace nubecita::kms {
namespace {

TEST(VaultTest, OpensWhatItSealedAndNothingElse) {
  const std::string key(32, 'k'), other(32, 'o');
  const auto sealed = seal(key, "secret", "context");
  EXPECT_EQ(*unseal(key, sealed, "context"), "secret");
  EXPECT_NE(seal(key, "secret", "context"), sealed) << "a nonce is used once";
  EXPECT_EQ(unseal(key, sealed, "another").error().code, "InvalidCiphertextException");
  EXPECT_FALSE(unseal(other, sealed, "context"));
  for (size_t i = 0; i < sealed.size(); ++i) {
    auto broken = sealed;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    EXPECT_FALSE(unseal(key, broken, "context")) << i;
  }
  EXPECT_EQ(*unseal(key, sealed, "context"), "secret") << "what failed before leaves nothing behind";
  EXPECT_EQ(*unseal(other, seal(other, "", "x"), "x"), "");
  EXPECT_EQ(*unseal(key, seal(key, "again", "x"), "x"), "again");
}

TEST(VaultTest, MaterialIsBoundToItsKeyAndOutlivesTheProcess) {
  api::testing::Bench bench("kms");
  const std::string material(32, 'm');
  std::string sealed;
  {
    Vault vault(bench.cloud);
    sealed = *vault.lock(material, "key/1");
    EXPECT_FALSE(vault.unlock(sealed, "key/2"));
  }
  Vault again(bench.cloud);
  EXPECT_EQ(*again.unlock(sealed, "key/1"), material);
  struct stat file{};
  ASSERT_EQ(stat((bench.directory + "/kms/installation.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
}

TEST(BlobTest, TellsItsKeyAndRefusesNonsense) {
  Blob b;
  b.account = "111122223333";
  b.region = "us-east-1";
  b.key_id = "id";
  b.material = "m";
  b.sealed = std::string(28, 's');
  auto back = Blob::parse(b.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->key_id, "id");
  EXPECT_EQ(back->sealed, b.sealed);
  EXPECT_FALSE(Blob::parse("nonsense"));
  EXPECT_FALSE(Blob::parse(b.head()));
}

TEST(ContextTest, PairsCannotBeTakenForOthers) {
  EXPECT_NE(canonical({{"a", "bc"}}), canonical({{"ab", "c"}}));
  EXPECT_NE(canonical({{"a", "b"}}), canonical({{"a", ""}, {"b", ""}}));
}

}  // namespace
}  // namespace nubecita::kms
