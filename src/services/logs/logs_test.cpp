#include "services/logs/logs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/testing.hpp"
#include "models/logs.hpp"
#include "services/logs/controller.hpp"
#include "services/logs/events.hpp"
#include "services/logs/groups.hpp"

namespace nubecita::logs {
namespace {

constexpr int64_t kNow = 1795305600000, kDay = 86400000;

struct LogsTest : testing::Test {
  api::testing::Bench bench{"logs"};
  LogsTest() { set_test_clock(kNow); }
  ~LogsTest() override { set_test_clock(-1); }

  std::string create_group(std::string_view name) {
    model::CreateLogGroupRequest in;
    in.log_group_name = bench.text(name);
    auto r = bench.run("CreateLogGroup", create_log_group, in);
    return r ? "" : r.error().code;
  }
  std::string create_stream(std::string_view group, std::string_view name) {
    model::CreateLogStreamRequest in;
    in.log_group_name = bench.text(group);
    in.log_stream_name = bench.text(name);
    auto r = bench.run("CreateLogStream", create_log_stream, in);
    return r ? "" : r.error().code;
  }
  Result<model::PutLogEventsResponse> put(std::string_view group, std::string_view stream,
                                          std::vector<std::pair<int64_t, std::string>> events) {
    model::PutLogEventsRequest in;
    in.log_group_name = bench.text(group);
    in.log_stream_name = bench.text(stream);
    in.log_events.data_ = bench.arena.make_array<model::InputLogEvent>(events.size());
    in.log_events.size_ = static_cast<uint32_t>(events.size());
    in.log_events.set = true;
    for (size_t i = 0; i < events.size(); ++i) {
      in.log_events[i].timestamp = events[i].first;
      in.log_events[i].message = bench.text(events[i].second);
    }
    return bench.run("PutLogEvents", put_log_events, in);
  }
  model::GetLogEventsRequest get(std::string_view group, std::string_view stream) {
    model::GetLogEventsRequest in;
    in.log_group_name = bench.text(group);
    in.log_stream_name = bench.text(stream);
    return in;
  }
  static std::string joined(const auto& events) {
    std::string out;
    for (auto& e : events) out.append(out.empty() ? "" : ",").append(e.message.sv());
    return out;
  }
  size_t stored_events() {
    return bench.look([](store::Transaction& tx) {
      size_t n = 0;
      tx.scan("logs.event/", {}, [&](auto, auto) { return ++n, true; });
      return n;
    });
  }
  void reconcile_all() {
    std::vector<std::string> keys;
    bench.look([&](store::Transaction& tx) {
      for (auto table : {"logs.group/", "logs.garbage/"})
        tx.scan(table, {}, [&](std::string_view k, std::string_view) { return keys.emplace_back(k), true; });
      return 0;
    });
    for (auto& k : keys) EXPECT_TRUE(reconcile(bench.store(), k));
  }
};

TEST_F(LogsTest, GroupsAndStreamsAreMadeOnce) {
  EXPECT_EQ(create_group("/app/web"), "");
  EXPECT_EQ(create_group("/app/web"), "ResourceAlreadyExistsException");
  EXPECT_EQ(create_stream("/app/web", "s/1"), "");
  EXPECT_EQ(create_stream("/app/web", "s/1"), "ResourceAlreadyExistsException");
  EXPECT_EQ(create_stream("/nowhere", "s"), "ResourceNotFoundException");
  EXPECT_TRUE(bench.authorizer.was_asked(
      "logs:CreateLogStream", "arn:aws:logs:us-east-1:111122223333:log-group:/app/web:log-stream:s/1"));
}

TEST_F(LogsTest, DescribeGroupsByPrefixPatternAndPage) {
  for (auto n : {"/a/one", "/a/two", "/b/Two"}) create_group(n);
  model::DescribeLogGroupsRequest in;
  in.log_group_name_prefix = "/a/";
  in.limit = 1;
  auto first = bench.run("DescribeLogGroups", describe_log_groups, in);
  ASSERT_EQ(first->log_groups.size(), 1u);
  EXPECT_EQ(first->log_groups[0].log_group_name, "/a/one");
  EXPECT_EQ(first->log_groups[0].arn, "arn:aws:logs:us-east-1:111122223333:log-group:/a/one:*");
  EXPECT_EQ(first->log_groups[0].log_group_arn, "arn:aws:logs:us-east-1:111122223333:log-group:/a/one");
  EXPECT_FALSE(first->log_groups[0].retention_in_days.has());
  in.next_token = first->next_token;
  auto second = bench.run("DescribeLogGroups", describe_log_groups, in);
  ASSERT_EQ(second->log_groups.size(), 1u);
  EXPECT_EQ(second->log_groups[0].log_group_name, "/a/two");
  EXPECT_FALSE(second->next_token.has());

  model::DescribeLogGroupsRequest by_pattern;
  by_pattern.log_group_name_pattern = "Two";
  auto found = bench.run("DescribeLogGroups", describe_log_groups, by_pattern);
  ASSERT_EQ(found->log_groups.size(), 1u);
  EXPECT_EQ(found->log_groups[0].log_group_name, "/b/Two");
  in.next_token = "nonsense";
  EXPECT_EQ(bench.run("DescribeLogGroups", describe_log_groups, in).error().code,
            "InvalidParameterException");
}

TEST_F(LogsTest, EventsForwardsAndBackwards) {
  create_group("g");
  create_stream("g", "s");
  ASSERT_TRUE(
      put("g", "s", {{kNow - 5, "a"}, {kNow - 4, "b"}, {kNow - 4, "c"}, {kNow - 3, "d"}, {kNow - 2, "e"}}));
  auto in = get("g", "s");
  in.limit = 2;
  in.start_from_head = true;
  auto page = bench.run("GetLogEvents", get_log_events, in);
  EXPECT_EQ(joined(page->events), "a,b");
  EXPECT_EQ(*page->events[0].ingestion_time, kNow);
  in.next_token = page->next_forward_token;
  page = bench.run("GetLogEvents", get_log_events, in);
  EXPECT_EQ(joined(page->events), "c,d");
  in.next_token = page->next_forward_token;
  page = bench.run("GetLogEvents", get_log_events, in);
  EXPECT_EQ(joined(page->events), "e");
  in.next_token = page->next_forward_token;
  page = bench.run("GetLogEvents", get_log_events, in);
  EXPECT_EQ(page->events.size(), 0u);
  EXPECT_EQ(page->next_forward_token, in.next_token.sv());  // the end is where the token stays the same
  in.next_token = page->next_backward_token;
  page = bench.run("GetLogEvents", get_log_events, in);
  EXPECT_EQ(joined(page->events), "d,e");

  auto tail = get("g", "s");
  tail.limit = 3;
  page = bench.run("GetLogEvents", get_log_events, tail);
  EXPECT_EQ(joined(page->events), "c,d,e");
  tail.next_token = page->next_backward_token;
  page = bench.run("GetLogEvents", get_log_events, tail);
  EXPECT_EQ(joined(page->events), "a,b");
  tail.next_token = page->next_backward_token;
  page = bench.run("GetLogEvents", get_log_events, tail);
  EXPECT_EQ(page->events.size(), 0u);
  EXPECT_EQ(page->next_backward_token, tail.next_token.sv());

  // What comes later is found by the forward token of an older page.
  ASSERT_TRUE(put("g", "s", {{kNow, "f"}}));
  tail.next_token = bench.run("GetLogEvents", get_log_events, get("g", "s"))->next_forward_token;
  ASSERT_TRUE(put("g", "s", {{kNow, "g"}}));
  EXPECT_EQ(joined(bench.run("GetLogEvents", get_log_events, tail)->events), "g");
}

TEST_F(LogsTest, TailOfALongStreamIsFoundAcrossTime) {
  create_group("g");
  std::vector<NewEvent> events;
  for (int i = 0; i < 500; ++i) events.push_back({kNow - kDay + i * 1000 * 100, std::to_string(i)});
  ASSERT_TRUE(bench.transact([&](auto& tx) { return append(tx, bench.scope(), "g", "s", events); }));
  auto in = get("g", "s");
  in.limit = 120;
  auto page = bench.run("GetLogEvents", get_log_events, in);
  ASSERT_EQ(page->events.size(), 120u);
  EXPECT_EQ(page->events[0].message, "380");
  EXPECT_EQ(page->events[119].message, "499");
}

TEST_F(LogsTest, TimeRange) {
  create_group("g");
  create_stream("g", "s");
  ASSERT_TRUE(put("g", "s", {{kNow - 3, "a"}, {kNow - 2, "b"}, {kNow - 1, "c"}}));
  auto in = get("g", "s");
  in.start_time = kNow - 2;
  in.end_time = kNow - 1;  // exclusive
  EXPECT_EQ(joined(bench.run("GetLogEvents", get_log_events, in)->events), "b");
  model::FilterLogEventsRequest filter;
  filter.log_group_name = "g";
  filter.start_time = kNow - 2;
  filter.end_time = kNow - 1;  // inclusive
  EXPECT_EQ(joined(bench.run("FilterLogEvents", filter_log_events, filter)->events), "b,c");
}

TEST_F(LogsTest, RejectedEventsAreTold) {
  create_group("g");
  create_stream("g", "s");
  auto r = put("g", "s", {{kNow - 15 * kDay, "old"}, {kNow, "good"}, {kNow + 3 * 3600000, "new"}});
  ASSERT_TRUE(r);
  ASSERT_NE(r->rejected_log_events_info, nullptr);
  EXPECT_EQ(*r->rejected_log_events_info->too_old_log_event_end_index, 1);
  EXPECT_EQ(*r->rejected_log_events_info->too_new_log_event_start_index, 2);
  EXPECT_EQ(joined(bench.run("GetLogEvents", get_log_events, get("g", "s"))->events), "good");
}

TEST_F(LogsTest, BatchesThatAwsRefuses) {
  create_group("g");
  create_stream("g", "s");
  EXPECT_EQ(put("g", "s", {{kNow, "b"}, {kNow - 1, "a"}}).error().message,
            "Log events in a single PutLogEvents request must be in chronological order.");
  EXPECT_EQ(put("g", "s", {{kNow - 2 * kDay, "a"}, {kNow, "b"}}).error().message,
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  EXPECT_EQ(
      put("g", "s", {{kNow, std::string(600000, 'x')}, {kNow, std::string(600000, 'x')}}).error().message,
      "Upload too large: 1200052 bytes exceeds limit of 1048576");
  EXPECT_EQ(put("g", "nowhere", {{kNow, "a"}}).error().message, "The specified log stream does not exist.");
}

TEST_F(LogsTest, FilterMergesStreamsByTimeAndPages) {
  create_group("g");
  for (auto s : {"s1", "s2"}) create_stream("g", s);
  ASSERT_TRUE(put("g", "s1",
                  {{kNow - 9, "ERROR 1"}, {kNow - 7, "ok"}, {kNow - 5, "ERROR 3"}, {kNow - 5, "ERROR 4"}}));
  ASSERT_TRUE(put("g", "s2", {{kNow - 8, "ERROR 2"}, {kNow - 5, "ERROR 5"}, {kNow - 1, "ERROR 6"}}));
  model::FilterLogEventsRequest in;
  in.log_group_name = "g";
  in.filter_pattern = "ERROR";
  EXPECT_EQ(joined(bench.run("FilterLogEvents", filter_log_events, in)->events),
            "ERROR 1,ERROR 2,ERROR 3,ERROR 4,ERROR 5,ERROR 6");
  in.limit = 1;
  std::string all;
  std::vector<std::string> ids;
  for (int pages = 0; pages < 20; ++pages) {
    auto page = bench.run("FilterLogEvents", filter_log_events, in);
    ASSERT_TRUE(page);
    all += joined(page->events) + ";";
    for (auto& e : page->events) ids.push_back(api::str(e.event_id));
    if (!page->next_token.has()) break;
    in.next_token = page->next_token;
  }
  EXPECT_EQ(all, "ERROR 1;ERROR 2;ERROR 3;ERROR 4;ERROR 5;ERROR 6;");
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  EXPECT_EQ(ids[0].size(), 56u);
}

TEST_F(LogsTest, RetentionHidesAtOnceAndDeletesSoon) {
  create_group("g");
  ASSERT_TRUE(bench.transact([&](auto& tx) {
    return append(tx, bench.scope(), "g", "s", {{kNow - 10 * kDay, "old"}, {kNow, "new"}});
  }));
  model::PutRetentionPolicyRequest in;
  in.log_group_name = "g";
  in.retention_in_days = 2;
  EXPECT_EQ(bench.run("PutRetentionPolicy", put_retention_policy, in).error().code,
            "InvalidParameterException");
  in.retention_in_days = 3;
  ASSERT_TRUE(bench.run("PutRetentionPolicy", put_retention_policy, in));
  EXPECT_EQ(joined(bench.run("GetLogEvents", get_log_events, get("g", "s"))->events), "new");
  EXPECT_EQ(stored_events(), 2u);
  reconcile_all();
  EXPECT_EQ(stored_events(), 1u);
  auto groups = bench.run("DescribeLogGroups", describe_log_groups, model::DescribeLogGroupsRequest{});
  EXPECT_EQ(*groups->log_groups[0].stored_bytes, 3 + kEventOverhead);
  EXPECT_EQ(*groups->log_groups[0].retention_in_days, 3);
  set_test_clock(kNow + 4 * kDay);
  reconcile_all();
  EXPECT_EQ(stored_events(), 0u);
}

TEST_F(LogsTest, DeletingLeavesNothing) {
  create_group("g");
  ASSERT_TRUE(bench.transact([&](auto& tx) -> Status {
    TRY(append(tx, bench.scope(), "g", "s1", {{kNow, "a"}}));
    return append(tx, bench.scope(), "g", "s2", {{kNow, "b"}});
  }));
  model::DeleteLogStreamRequest stream;
  stream.log_group_name = "g";
  stream.log_stream_name = "s1";
  ASSERT_TRUE(bench.run("DeleteLogStream", delete_log_stream, stream));
  reconcile_all();
  EXPECT_EQ(stored_events(), 1u);
  model::DeleteLogGroupRequest group;
  group.log_group_name = "g";
  ASSERT_TRUE(bench.run("DeleteLogGroup", delete_log_group, group));
  EXPECT_EQ(bench.run("DeleteLogGroup", delete_log_group, group).error().code, "ResourceNotFoundException");
  // A new group of the same name does not see the old events, swept or not.
  create_group("g");
  create_stream("g", "s2");
  EXPECT_EQ(bench.run("GetLogEvents", get_log_events, get("g", "s2"))->events.size(), 0u);
  reconcile_all();
  EXPECT_EQ(stored_events(), 0u);
  EXPECT_EQ(bench.look([](auto& tx) {
    size_t n = 0;
    tx.scan("logs.garbage/", {}, [&](auto, auto) { return ++n, true; });
    return n;
  }),
            0u);
}

TEST_F(LogsTest, AppendMakesWhatItMayMake) {
  EXPECT_EQ(bench.transact([&](auto& tx) { return append(tx, bench.scope(), "g", "s", {{kNow, "a"}}); })
                .error()
                .code,
            "ResourceNotFoundException");
  ASSERT_TRUE(bench.transact(
      [&](auto& tx) { return append(tx, bench.scope(), "g", "s", {{kNow, "a\xff\xc3z"}}, true); }));
  EXPECT_EQ(joined(bench.run("GetLogEvents", get_log_events, get("g", "s"))->events),
            "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST_F(LogsTest, StreamsByNameAndByTime) {
  create_group("g");
  for (auto s : {"a", "b", "c"}) create_stream("g", s);
  ASSERT_TRUE(put("g", "b", {{kNow - 1, "x"}}));
  ASSERT_TRUE(put("g", "a", {{kNow, "x"}}));
  model::DescribeLogStreamsRequest in;
  in.log_group_name = "g";
  in.order_by = "LastEventTime";
  in.descending = true;
  in.limit = 2;
  auto page = bench.run("DescribeLogStreams", describe_log_streams, in);
  ASSERT_EQ(page->log_streams.size(), 2u);
  EXPECT_EQ(page->log_streams[0].log_stream_name, "a");
  EXPECT_EQ(page->log_streams[1].log_stream_name, "b");
  in.next_token = page->next_token;
  page = bench.run("DescribeLogStreams", describe_log_streams, in);
  ASSERT_EQ(page->log_streams.size(), 1u);
  EXPECT_EQ(page->log_streams[0].log_stream_name, "c");
  EXPECT_FALSE(page->log_streams[0].last_event_timestamp.has());
  in = {};
  in.log_group_name = "g";
  in.log_stream_name_prefix = "b";
  EXPECT_EQ(bench.run("DescribeLogStreams", describe_log_streams, in)->log_streams.size(), 1u);
}

TEST_F(LogsTest, TagsOldAndNew) {
  create_group("g");
  model::TagLogGroupRequest old_way;
  old_way.log_group_name = "g";
  wire::Entry<wire::Text> tags[] = {{"env", "test"}, {"team", "x"}};
  old_way.tags.data_ = tags;
  old_way.tags.size_ = 2;
  old_way.tags.set = true;
  ASSERT_TRUE(bench.run("TagLogGroup", tag_log_group, old_way));
  model::UntagResourceRequest untag;
  untag.resource_arn = "arn:aws:logs:us-east-1:111122223333:log-group:g";
  untag.tag_keys = bench.texts({"team"});
  ASSERT_TRUE(bench.run("UntagResource", untag_resource, untag));
  model::ListTagsForResourceRequest list;
  list.resource_arn = "arn:aws:logs:us-east-1:111122223333:log-group:g:*";
  auto out = bench.run("ListTagsForResource", list_tags_for_resource, list);
  ASSERT_EQ(out->tags.size(), 1u);
  EXPECT_EQ(out->tags[0].key, "env");
  list.resource_arn = "arn:aws:logs:us-east-1:999999999999:log-group:g";
  EXPECT_EQ(bench.run("ListTagsForResource", list_tags_for_resource, list).error().code,
            "ResourceNotFoundException");
}

}  // namespace
}  // namespace nubecita::logs
