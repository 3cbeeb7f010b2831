#include "services/dynamodb/sealed.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "services/dynamodb/controller.hpp"
#include "services/dynamodb/stream_record.hpp"

namespace nubecita::dynamodb {
namespace {

const std::string kKey(32, 'k');

std::string item() { return make_item({{"p", make_value(Type::string, "secret")}}); }

TEST(SealedTest, IsReadAtItsPlaceOnly) {
  const auto stored = seal_value(kKey, item(), "place");
  EXPECT_TRUE(is_sealed(stored));
  EXPECT_EQ(stored.find("secret"), std::string::npos);
  EXPECT_EQ(open_value(kKey, stored, "place"), item());
  EXPECT_THROW(open_value(kKey, stored, "elsewhere"), std::runtime_error);
  EXPECT_THROW(open_value(std::string(32, 'o'), stored, "place"), std::runtime_error);
  EXPECT_THROW(open_value({}, stored, "place"), std::runtime_error);
  EXPECT_EQ(stored_size(stored), item().size());
}

TEST(SealedTest, WhatIsNotSealedIsReadAsItIs) {
  EXPECT_FALSE(is_sealed(item()));
  EXPECT_EQ(seal_value({}, item(), "place"), item());
  EXPECT_EQ(open_value(kKey, item(), "place"), item());
  EXPECT_EQ(stored_size(item()), item_size(item()));
}

TEST(SealedTest, StreamRecordsTellTheirTimeWithoutTheKey) {
  const std::string now = item();
  const auto record = make_stream_record(Table{}, {}, &now, 1'700'000'000'123, false);
  const auto stored = seal_stream_record(kKey, record, 1'700'000'000'123);
  EXPECT_TRUE(is_sealed(stored));
  EXPECT_EQ(change_time(stored), 1'700'000'000'123);
  EXPECT_EQ(change_time(record), 1'700'000'000'123);
  EXPECT_EQ(open_stream_record(kKey, stored), record);
  EXPECT_EQ(open_stream_record(kKey, record), record);
}

}  // namespace
}  // namespace nubecita::dynamodb
