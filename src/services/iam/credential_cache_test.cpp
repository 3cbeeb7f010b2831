// A cached credential is never behind the store: what was acknowledged counts at the next look.
#include "services/iam/credential_cache.hpp"

#include <atomic>
#include <thread>

#include "services/iam/testing.hpp"

namespace nubecita::iam {
namespace {

using namespace testing;

struct Caching : ::testing::Test {
  Bench b{"iam"};
  CredentialCache cache{b.store()};
  Caching() { b.region = "global"; }

  std::string new_key(std::string_view user) { return principal_of(b, user).access_key; }
  void set_active(std::string_view user, std::string_view key, bool active) {
    model::UpdateAccessKeyRequest in;
    in.user_name = b.text(user);
    in.access_key_id = b.text(key);
    in.status = b.text(active ? "Active" : "Inactive");
    ASSERT_TRUE(b.run("UpdateAccessKey", update_access_key, in));
  }
  void erase(std::string_view user, std::string_view key) {
    model::DeleteAccessKeyRequest in;
    in.user_name = b.text(user);
    in.access_key_id = b.text(key);
    ASSERT_TRUE(b.run("DeleteAccessKey", delete_access_key, in));
  }
};

TEST_F(Caching, answers_from_memory_while_nothing_changes) {
  make_user(b, "ann").value();
  auto key = new_key("ann");
  auto first = cache.find(key);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->principal.name, "ann");
  EXPECT_EQ(cache.find(key), first);
  b.transact([](store::Transaction& tx) -> Status {  // of another service: no matter
     tx.put("ec2.vpc/111122223333/us-east-1/vpc-1", "{}");
     return {};
   })
      .value();
  EXPECT_EQ(cache.find(key), first);
}

TEST_F(Caching, unknown_key_is_not_remembered) {
  EXPECT_FALSE(cache.find("AKIAAAAAAAAAAAAAAAAA"));
  make_user(b, "ann").value();
  auto key = new_key("ann");
  EXPECT_TRUE(cache.find(key));
}

TEST_F(Caching, switched_off_and_on_again_counts_at_once) {
  make_user(b, "ann").value();
  auto key = new_key("ann");
  for (bool active : {false, true, false}) {
    ASSERT_TRUE(cache.find(key));
    set_active("ann", key, active);
    EXPECT_EQ(cache.find(key)->active, active);
  }
}

TEST_F(Caching, deleted_key_is_gone_at_once) {
  make_user(b, "ann").value();
  auto key = new_key("ann");
  ASSERT_TRUE(cache.find(key));
  erase("ann", key);
  EXPECT_FALSE(cache.find(key));
}

TEST_F(Caching, session_is_gone_at_once) {
  make_role(b, "r").value();
  TemporaryCredentials made;
  b.transact([&](store::Transaction& tx) -> Status {
     auto r = issue_role_session(tx, b.account, "arn:aws:iam::111122223333:role/r", "s", 3600);
     if (!r) return std::unexpected(r.error());
     made = *r;
     return {};
   }).value();
  auto found = cache.find(made.access_key_id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->session_token, made.session_token);
  b.transact([&](store::Transaction& tx) -> Status {
     tx.erase<Session>(kEverywhere, made.access_key_id);
     return {};
   }).value();
  EXPECT_FALSE(cache.find(made.access_key_id));
}

// Readers fill the cache all the time, from snapshots of any age, while the key is switched off and on: after
// each answered switch the next look must see it.
TEST_F(Caching, no_look_is_behind_an_answered_change_while_others_fill_the_cache) {
  make_user(b, "ann").value();
  auto key = new_key("ann");
  std::atomic<bool> stop = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!stop) cache.find(key);
    });
  for (int i = 0; i < 300; ++i) {
    set_active("ann", key, i % 2);
    for (int look = 0; look < 3; ++look) EXPECT_EQ(cache.find(key)->active, i % 2 == 1) << i;
  }
  stop = true;
  for (auto& r : readers) r.join();
}

}  // namespace
}  // namespace nubecita::iam
