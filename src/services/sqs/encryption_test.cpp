#include "services/sqs/encryption.hpp"

#include <gtest/gtest.h>

#include "api/parts.hpp"
#include "api/testing.hpp"
#include "base/ids.hpp"

namespace nubecita::sqs {
namespace {

Message message() {
  Message m;
  m.id = "id";
  m.body = "the body";
  m.body_md5 = "md5";
  m.attributes_md5 = "md5 of attributes";
  m.attributes = {{"name", "String", "value"}};
  m.trace_header = "trace";
  m.dedup = "dedup";
  m.sender = "sender";
  m.group = "group";
  m.sent = 1;
  m.available = 2;
  return m;
}

bool same(const Message& a, const Message& b) { return encode_message(a) == encode_message(b); }

class EncryptionTest : public ::testing::Test {
 protected:
  EncryptionTest() : bench_("sqs") {
    bench_.principal.kind = api::Principal::Kind::root;
    bench_.principal.arn = "arn:aws:iam::" + bench_.account + ":root";
    view_.scope = bench_.scope();
    view_.queue.name = "q";
    view_.queue.id = "id of q";
  }
  ~EncryptionTest() override { api::end_parts(bench_.cloud); }
  AskerOf asker(store::Transaction& tx, int64_t now = 0) {
    return [this, &tx, now] {
      return kms::Asker{.cloud = bench_.cloud,
                        .tx = tx,
                        .principal = bench_.principal,
                        .scope = bench_.scope(),
                        .via = "sqs.us-east-1.amazonaws.com",
                        .conditions = {},
                        .now = now};
    };
  }
  /// As a send does it.
  SealingKey key_at(int64_t now, bool committed = true) {
    auto tx = bench_.store().begin();
    auto& keys = api::part<SealingKeys>(bench_.cloud);
    auto key = keys.key_for(view_, asker(*tx, now), now);
    if (!key || !*key) throw std::runtime_error(key ? "no key" : key.error().message);
    if (committed && bench_.store().commit(std::move(tx)) == store::CommitResult::done)
      keys.keep(view_, *key, now);
    return **key;
  }
  api::testing::Bench bench_;
  View view_;
};

TEST_F(EncryptionTest, WhatWasSealedIsReadAndHidden) {
  view_.settings.kms_key = "alias/aws/sqs";
  auto m = message();
  seal(m, key_at(0));
  const auto bytes = encode_message(m);
  for (auto secret : {"the body", "md5", "name", "value", "trace", "dedup"})
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
  auto back = decode_message(bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(decode_head(bytes)->group, "group");
  EXPECT_EQ(encode_message(*back), bytes) << "moved as it is";
  auto tx = bench_.store().begin();
  Unsealing unsealing(bench_.cloud, asker(*tx));
  auto other = *back;
  ASSERT_TRUE(unsealing.open(*back));
  EXPECT_TRUE(same(*back, message()));
  other.id = "another";
  EXPECT_EQ(unsealing.open(other).error().code, "InternalFailure") << "contents are bound to their message";
}

TEST_F(EncryptionTest, TheInstallationsKeyOutlivesTheProcess) {
  auto m = message();
  seal(m, key_at(0));
  EXPECT_TRUE(m.sealed.queue.empty());
  api::end_parts(bench_.cloud);
  auto tx = bench_.store().begin();
  ASSERT_TRUE(Unsealing(bench_.cloud, asker(*tx)).open(m));
  EXPECT_TRUE(same(m, message()));
}

TEST_F(EncryptionTest, ADataKeyIsUsedForItsPeriod) {
  view_.settings.kms_key = "alias/aws/sqs";
  view_.settings.key_reuse_ms = 60'000;
  const auto first = key_at(1000, false);
  EXPECT_NE(key_at(1000).sealed, first.sealed) << "not kept before its commit: its KMS key may be gone";
  const auto kept = key_at(2000).sealed;
  EXPECT_EQ(key_at(60'999).sealed, kept);
  EXPECT_NE(key_at(61'001).sealed, kept);
}

TEST_F(EncryptionTest, MessagesFromBeforeAreRead) {
  view_.settings.managed_encryption = false;
  auto tx = bench_.store().begin();
  EXPECT_FALSE(*api::part<SealingKeys>(bench_.cloud).key_for(view_, asker(*tx), 0));
  auto plain = message();
  const auto bytes = encode_message(plain);
  EXPECT_EQ(bytes[0], 1);
  auto back = decode_message(bytes);
  ASSERT_TRUE(back && Unsealing(bench_.cloud, asker(*tx)).open(*back));
  EXPECT_TRUE(same(*back, plain));
}

TEST(SettingsTest, OneKindOfEncryptionTakesTheOthersPlace) {
  Attributes all{{"KmsMasterKeyId", "k"}};
  ASSERT_TRUE(settle_encryption(all, {{"KmsMasterKeyId", "k"}}));
  EXPECT_FALSE(settings_of(all, false).managed_encryption);
  EXPECT_EQ(effective_attributes(all, false).at("KmsDataKeyReusePeriodSeconds"), "300");
  ASSERT_TRUE(settle_encryption(all, {{"SqsManagedSseEnabled", "true"}}));
  EXPECT_TRUE(settings_of(all, false).kms_key.empty());
  EXPECT_TRUE(settings_of({}, false).managed_encryption);
  EXPECT_FALSE(settle_encryption(all, {{"KmsMasterKeyId", "k"}, {"SqsManagedSseEnabled", "true"}}));
}

}  // namespace
}  // namespace nubecita::sqs
