#include "services/sqs/attributes.hpp"

#include <algorithm>
#include <charconv>

#include "base/arn.hpp"
#include "base/json.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::sqs {
namespace {

struct Number {
  std::string_view name;
  int64_t least, most;
};
constexpr Number kNumbers[] = {{"DelaySeconds", 0, 900},
                               {"MaximumMessageSize", 1024, 1'048'576},
                               {"MessageRetentionPeriod", 60, 1'209'600},
                               {"ReceiveMessageWaitTimeSeconds", 0, 20},
                               {"VisibilityTimeout", 0, 43'200},
                               {"KmsDataKeyReusePeriodSeconds", 60, 86'400}};

std::unexpected<ApiError> invalid_value(std::string_view name) {
  return fail("InvalidAttributeValue", "Invalid value for the parameter " + std::string(name) + ".");
}
std::unexpected<ApiError> invalid_parameter(const std::string& value, std::string_view name,
                                            const std::string& reason) {
  return fail("InvalidParameterValue",
              "Value " + value + " for parameter " + std::string(name) + " is invalid. Reason: " + reason);
}

bool number(std::string_view text, int64_t& v) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// maxReceiveCount comes as a number or as text.
int64_t receives_of(const json::object& o) {
  int64_t n = json::int_or(o, "maxReceiveCount", -1);
  if (n < 0) number(json::text_or(o, "maxReceiveCount"), n);
  return n;
}

/// As it is kept: AWS answers a maxReceiveCount that came as text as a number.
Result<std::string> check_redrive_policy(const std::string& value) {
  auto doc = json::parse(value);
  if (!doc || !doc->is_object())
    return invalid_parameter(value, "RedrivePolicy", "Redrive policy is not a valid JSON map.");
  auto& o = doc->as_object();
  if (!o.contains("deadLetterTargetArn"))
    return invalid_parameter(value, "RedrivePolicy",
                             "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  if (!o.contains("maxReceiveCount"))
    return invalid_parameter(value, "RedrivePolicy",
                             "Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  for (auto& [name, v] : o)
    if (name != "deadLetterTargetArn" && name != "maxReceiveCount")
      return invalid_parameter(
          value, "RedrivePolicy",
          "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].");
  const auto n = receives_of(o);
  if (n < 1 || n > 1000)
    return invalid_parameter(value, "RedrivePolicy",
                             "Invalid value for maxReceiveCount: " +
                                 std::string(n < 0 ? "it must be a number" : std::to_string(n)) +
                                 ", valid values are from 1 to 1000 both inclusive.");
  auto arn = Arn::parse(json::text_or(o, "deadLetterTargetArn"));
  if (!arn || arn->service != "sqs")
    return invalid_parameter(value, "RedrivePolicy", "Invalid value for deadLetterTargetArn.");
  if (!o["maxReceiveCount"].is_string()) return value;
  o["maxReceiveCount"] = n;
  return json::serialize(o);
}

Status check_redrive_allow_policy(const std::string& value) {
  auto doc = json::parse(value);
  auto bad = [&](const std::string& why) { return invalid_parameter(value, "RedriveAllowPolicy", why); };
  if (!doc || !doc->is_object())
    return bad("Amazon SQS can't create the redrive allow policy, it isn't valid JSON.");
  auto& o = doc->as_object();
  const auto permission = json::text_or(o, "redrivePermission");
  if (permission != "allowAll" && permission != "denyAll" && permission != "byQueue")
    return bad(
        "Amazon SQS can't create the redrive allow policy, as it contains an unsupported redrivePermission.");
  auto* sources = json::array_at(o, "sourceQueueArns");
  if ((permission == "byQueue") != (sources && !sources->empty()))
    return bad("sourceQueueArns must be given with redrivePermission byQueue, and only then.");
  if (sources && sources->size() > 10) return bad("At most 10 sourceQueueArns may be given.");
  return {};
}

constexpr size_t kMostKeyName = 2048;  // as KMS takes them

bool is_true_or_false(const std::string& v) { return v == "true" || v == "false"; }

}  // namespace

Result<std::string> check_attribute(const std::string& name, const std::string& value, bool fifo,
                                    bool creating) {
  auto unknown = [&] { return fail("InvalidAttributeName", "Unknown Attribute " + name + "."); };
  for (auto& n : kNumbers)
    if (n.name == name) {
      int64_t v = 0;
      if (!number(value, v) || v < n.least || v > n.most) return invalid_value(name);
      return std::to_string(v);
    }
  if (name == "Policy") {
    if (value.empty()) return value;
    if (!iam::check_resource_policy(value)) return invalid_value(name);
    return value;
  }
  if (name == "RedrivePolicy") {
    return value.empty() ? value : check_redrive_policy(value);
  }
  if (name == "RedriveAllowPolicy") {
    if (!value.empty()) TRY(check_redrive_allow_policy(value));
    return value;
  }
  if (name == "FifoQueue") {
    if (!creating || value != "true") return unknown();
    return value;
  }
  if (name == "ContentBasedDeduplication") {
    if (!fifo) return unknown();
    if (!is_true_or_false(value)) return invalid_value(name);
    return value;
  }
  if (name == "DeduplicationScope" || name == "FifoThroughputLimit") {
    if (!fifo) return unknown();
    const bool good = name == "DeduplicationScope" ? value == "queue" || value == "messageGroup"
                                                   : value == "perQueue" || value == "perMessageGroupId";
    if (!good) return invalid_value(name);
    return value;
  }
  if (name == "SqsManagedSseEnabled") {
    if (!is_true_or_false(value)) return invalid_value(name);
    return value;
  }
  if (name == "KmsMasterKeyId") {  // whether there is such a key is seen when something is sent
    if (value.size() > kMostKeyName) return invalid_value(name);
    return value;
  }
  return unknown();
}

Status check_together(const Attributes& all, bool fifo) {
  auto is = [&](const char* name, std::string_view value) {
    auto it = all.find(name);
    return it != all.end() && it->second == value;
  };
  if (fifo && is("FifoThroughputLimit", "perMessageGroupId") && !is("DeduplicationScope", "messageGroup"))
    return invalid_value("FifoThroughputLimit");
  return {};
}

Status settle_encryption(Attributes& all, const Attributes& changed) {
  auto key = changed.find("KmsMasterKeyId"), managed = changed.find("SqsManagedSseEnabled");
  const bool by_kms = key != changed.end() && !key->second.empty();
  const bool by_us = managed != changed.end() && managed->second == "true";
  if (by_kms && by_us)
    return fail(
        "InvalidAttributeName",
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE "
        "or SQS SSE.");
  if (by_kms) all["SqsManagedSseEnabled"] = "false";
  if (by_us) all.erase("KmsMasterKeyId");
  return {};
}

Attributes effective_attributes(const Attributes& set, bool fifo) {
  auto all = default_attributes(fifo);
  for (auto& [name, value] : set) all[name] = value;
  if (set.contains("KmsMasterKeyId")) all.try_emplace("KmsDataKeyReusePeriodSeconds", "300");
  return all;
}

Settings settings_of(const Attributes& attributes, bool fifo) {
  Settings s;
  s.fifo = fifo;
  auto text = [&](const char* name) {
    auto it = attributes.find(name);
    return it == attributes.end() ? std::string() : it->second;
  };
  auto seconds = [&](const char* name, int64_t& ms) {
    if (int64_t v = 0; number(text(name), v)) ms = v * 1000;
  };
  seconds("DelaySeconds", s.delay_ms);
  seconds("VisibilityTimeout", s.visibility_ms);
  seconds("MessageRetentionPeriod", s.retention_ms);
  seconds("ReceiveMessageWaitTimeSeconds", s.wait_ms);
  if (int64_t v = 0; number(text("MaximumMessageSize"), v)) s.most_bytes = static_cast<size_t>(v);
  s.kms_key = text("KmsMasterKeyId");
  seconds("KmsDataKeyReusePeriodSeconds", s.key_reuse_ms);
  s.managed_encryption = s.kms_key.empty() && text("SqsManagedSseEnabled") != "false";
  s.content_dedup = text("ContentBasedDeduplication") == "true";
  s.dedup_by_group = text("DeduplicationScope") == "messageGroup";
  s.policy = text("Policy");
  if (auto doc = json::parse(text("RedrivePolicy")); doc && doc->is_object()) {
    s.dead_letter_arn = json::text_or(doc->as_object(), "deadLetterTargetArn");
    s.most_receives = receives_of(doc->as_object());
  }
  if (auto doc = json::parse(text("RedriveAllowPolicy")); doc && doc->is_object()) {
    s.redrive_permission = json::text_or(doc->as_object(), "redrivePermission");
    if (auto* list = json::array_at(doc->as_object(), "sourceQueueArns"))
      for (auto& v : *list)
        if (auto* t = v.if_string()) s.redrive_sources.emplace_back(t->data(), t->size());
  }
  return s;
}

const Attributes& default_attributes(bool fifo) {
  static const Attributes standard{{"DelaySeconds", "0"},
                                   {"MaximumMessageSize", "1048576"},
                                   {"MessageRetentionPeriod", "345600"},
                                   {"ReceiveMessageWaitTimeSeconds", "0"},
                                   {"VisibilityTimeout", "30"},
                                   {"SqsManagedSseEnabled", "true"}};
  static const Attributes first_in_first_out = [] {
    auto a = standard;
    a.insert({{"FifoQueue", "true"},
              {"ContentBasedDeduplication", "false"},
              {"DeduplicationScope", "queue"},
              {"FifoThroughputLimit", "perQueue"}});
    return a;
  }();
  return fifo ? first_in_first_out : standard;
}

}  // namespace nubecita::sqs
