#include "services/s3/form.hpp"

#include <charconv>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "http/client.hpp"
#include "services/s3/document.hpp"
#include "services/s3/form_parser.hpp"
#include "services/s3/form_policy.hpp"
#include "services/s3/front.hpp"
#include "services/s3/new_object.hpp"
#include "wire/xml.hpp"

namespace nubecita::s3 {
namespace {

using Fields = std::map<std::string, std::string>;

std::string field(const Fields& f, const char* name) {
  auto it = f.find(name);
  return it == f.end() ? std::string() : it->second;
}

/// The XML of PutObjectTagging as the header x-amz-tagging says it.
Result<std::string> tags_of_document(std::string_view xml) {
  Arena arena;
  const auto* t = static_cast<const model::Tagging*>(parse_document(arena, xml, "PutObjectTagging"));
  if (!t) return malformed_xml();
  std::string out;
  for (auto& tag : t->tag_set)
    out += (out.empty() ? "" : "&") + http::percent_encode(tag.key.sv(), "") + "=" +
           http::percent_encode(tag.value.sv(), "");
  return out;
}

/// What the browser hears of a success.
http::Answer success(http::Answer a, const Fields& f, const std::string& bucket, const std::string& key,
                     const std::string& location) {
  std::string etag;
  for (auto& [n, v] : a.headers)
    if (n == "ETag") etag = v;
  a.body.clear();
  a.headers.emplace_back("Location", location);
  auto redirect = field(f, "success_action_redirect");
  if (redirect.empty()) redirect = field(f, "redirect");
  if (redirect.starts_with("http://") || redirect.starts_with("https://")) {
    a.status = 303;
    auto encode = [](std::string_view text) {
      std::string out;
      for (char c : text) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '_' || c == '.')
          out += c;
        else
          out += "%" + to_hex({&c, 1});
      }
      return out;
    };
    a.headers.back().second = redirect + (redirect.find('?') == std::string::npos ? "?" : "&") +
                              "bucket=" + encode(bucket) + "&key=" + encode(key) + "&etag=" + encode(etag);
    return a;
  }
  const auto status = field(f, "success_action_status");
  a.status = status == "200" ? 200 : status == "201" ? 201 : 204;
  if (a.status == 201) {
    a.headers.emplace_back("Content-Type", "application/xml");
    a.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse>";
    wire::append_xml_tag(a.body, "Location", location);
    wire::append_xml_tag(a.body, "Bucket", bucket);
    wire::append_xml_tag(a.body, "Key", key);
    wire::append_xml_tag(a.body, "ETag", etag);
    a.body += "</PostResponse>";
  }
  return a;
}

class FormReceiver final : public http::Receiver {
 public:
  FormReceiver(Front::Impl& front, http::HeadPtr head, Target target)
      : front_(front),
        head_(head),
        target_(std::move(target)),
        request_(std::make_shared<Request>(front, head)),
        parser_(form_boundary(head->header("content-type")),
                {[this](Fields& f, const std::string& name) { return begin_file(f, name); },
                 [this](std::string_view part) { return file(part); }}) {}

  bool write(std::string_view part) override {
    if (state_) state_ = parser_.write(part);
    // Small forms are read to their end, so that the browser sees the answer.
    seen_ += part.size();
    return state_ || seen_ < (1u << 20);
  }

  void finish(http::Respond respond) override {
    if (state_ && !parser_.file_done())
      state_ = put_ ? Status(fail("IncompleteBody", "The request body terminated unexpectedly", 400))
                    : Status(invalid_argument("POST requires exactly one file upload per request."));
    if (state_ && size_ < limits_.least)
      state_ = fail(ApiError{
          "EntityTooSmall",
          400,
          "Your proposed upload is smaller than the minimum allowed size",
          {{"ProposedSize", std::to_string(size_)}, {"MinSizeAllowed", std::to_string(limits_.least)}}});
    if (!state_) return respond(request_->refusal(state_.error()));
    const auto location = std::string(head_->tls ? "https://" : "http://") +
                          std::string(head_->header("host")) +
                          (target_.virtual_host ? "/" : "/" + target_.bucket + "/") + target_.key;
    put_->with_bytes([respond = std::move(respond), fields = std::move(fields_), bucket = target_.bucket,
                      key = target_.key, location](http::Answer a) mutable {
      respond(a.status == 200 ? success(std::move(a), fields, bucket, key, location) : std::move(a));
    });
  }

 private:
  Status begin_file(Fields& f, const std::string& filename) {
    fields_ = f;
    auto key = field(f, "key");
    if (key.empty())
      return invalid_argument(
          "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the "
          "fields.",
          "key");
    if (const auto at = key.find("${filename}"); at != std::string::npos)
      key.replace(at, 11, filename.substr(filename.find_last_of("/\\") + 1));
    fields_["key"] = key;
    target_.key = key;
    Claim claim;
    TRY_LET(claim, identity());
    std::vector<std::pair<std::string, std::string>> headers = {{"transfer-encoding", "chunked"}};
    if (auto host = head_->header("host"); !host.empty()) headers.emplace_back("host", host);
    if (auto origin = head_->header("origin"); !origin.empty()) headers.emplace_back("origin", origin);
    static constexpr const char* plain[] = {"content-type", "cache-control", "content-disposition",
                                            "content-encoding", "expires"};
    for (auto* name : plain)
      if (fields_.contains(name)) headers.emplace_back(name, fields_[name]);
    if (fields_.contains("acl")) headers.emplace_back("x-amz-acl", fields_["acl"]);
    if (auto it = fields_.find("tagging"); it != fields_.end()) {
      TRY_LET(auto tags, tags_of_document(it->second));
      headers.emplace_back("x-amz-tagging", std::move(tags));
    }
    for (auto& [name, value] : fields_)
      if (name.starts_with("x-amz-") && name != "x-amz-credential" && name != "x-amz-algorithm" &&
          name != "x-amz-date" && name != "x-amz-signature" && name != "x-amz-security-token")
        headers.emplace_back(name, value);
    auto made = http::make_head("PUT", target_.path, headers, head_->peer_ip);
    put_ = std::make_shared<Request>(front_, std::move(made));
    TRY(put_->prepare_put(target_, std::move(claim)));
    return put_->start_intake();
  }

  Result<Claim> identity() {
    const auto policy = field(fields_, "policy");
    const bool v4 = fields_.contains("x-amz-algorithm") || fields_.contains("x-amz-signature");
    const bool v2 = fields_.contains("awsaccesskeyid") || fields_.contains("signature");
    if (policy.empty() && !v4 && !v2) {
      Claim nobody;
      nobody.region = "us-east-1";
      nobody.v4.payload = wire::Payload::unsigned_payload;
      return nobody;
    }
    for (const char* name :
         v4 ? std::initializer_list<const char*>{"policy", "x-amz-credential", "x-amz-signature"}
            : std::initializer_list<const char*>{"policy", "awsaccesskeyid", "signature"})
      if (!fields_.contains(name))
        return invalid_argument("Bucket POST must contain a field named '" + std::string(name) +
                                    "'.  If it is specified, please check the order of the fields.",
                                name);
    FormClaim form;
    form.policy = policy;
    form.token = field(fields_, "x-amz-security-token");
    if (v4) {
      form.algorithm = field(fields_, "x-amz-algorithm");
      form.credential = field(fields_, "x-amz-credential");
      form.signature = field(fields_, "x-amz-signature");
      if (form.algorithm.empty())
        return invalid_argument("Bucket POST must contain a field named 'x-amz-algorithm'.",
                                "x-amz-algorithm");
    } else {
      form.credential = field(fields_, "awsaccesskeyid");
      form.signature = field(fields_, "signature");
    }
    TRY_LET(auto claim, identify_form(front_.credentials, form, now_ms()));
    claim.v4.payload = wire::Payload::unsigned_payload;
    std::string document;
    if (!base64_decode(policy, document))
      return fail("InvalidPolicyDocument", "Invalid Policy: Invalid base64.", 400);
    TRY_LET(limits_, check_form_policy(document, fields_, target_.bucket, now_ms()));
    return claim;
  }

  Status file(std::string_view part) {
    size_ += static_cast<int64_t>(part.size());
    if (size_ > limits_.most)
      return fail(ApiError{
          "EntityTooLarge",
          400,
          "Your proposed upload exceeds the maximum allowed size",
          {{"ProposedSize", std::to_string(size_)}, {"MaxSizeAllowed", std::to_string(limits_.most)}}});
    put_->intake().write(part);
    return {};
  }

  Front::Impl& front_;
  http::HeadPtr head_;
  Target target_;
  std::shared_ptr<Request> request_, put_;
  Fields fields_;
  FormLimits limits_;
  int64_t size_ = 0;
  size_t seen_ = 0;
  Status state_;
  FormParser parser_;
};

}  // namespace

bool is_form(const Config& config, const http::Head& head) {
  if (head.method != "POST" || !head.header("content-type").starts_with("multipart/form-data") ||
      !head.query.empty())
    return false;
  auto target = parse_target(config, head);
  return target && !target->bucket.empty() && target->key.empty();
}

std::unique_ptr<http::Receiver> receive_form(Front::Impl& front, http::HeadPtr head) {
  auto target = *parse_target(front.cloud.config, *head);
  if (form_boundary(head->header("content-type")).empty()) {
    auto request = std::make_shared<Request>(front, head);
    return http::answer_with(
        request->refusal(ApiError{"MalformedPOSTRequest",
                                  400,
                                  "The body of your POST request is not well-formed multipart/form-data.",
                                  {}}));
  }
  return std::make_unique<FormReceiver>(front, std::move(head), std::move(target));
}

}  // namespace nubecita::s3
