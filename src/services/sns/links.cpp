// The links in messages: what a receiver opens without a signature.
#include "api/parts.hpp"
#include "base/arn.hpp"
#include "base/ids.hpp"
#include "http/message.hpp"
#include "services/sns/signing.hpp"
#include "services/sns/sns.hpp"
#include "services/sns/subscriptions.hpp"
#include "store/store.hpp"

namespace nubecita::sns {
namespace {

constexpr std::string_view kCertificate = "/SimpleNotificationService-";

std::string value(const http::Head& head, std::string_view name) {
  std::string out;
  http::query_value(head.query, name, out);
  return out;
}

http::Answer xml(int status, const std::string& body) {
  http::Answer a(status, body);
  a.headers.emplace_back("Content-Type", "text/xml");
  return a;
}

http::Answer error(const ApiError& e) {
  return xml(
      e.status,
      "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>" +
          e.code + "</Code><Message>The link is not valid (any more).</Message></Error><RequestId>" + uuid() +
          "</RequestId></ErrorResponse>");
}

http::Answer done(const std::string& operation, const std::string& arn) {
  std::string result;
  if (!arn.empty())
    result =
        "<" + operation + "Result><SubscriptionArn>" + arn + "</SubscriptionArn></" + operation + "Result>";
  return xml(200, "<" + operation + "Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">" + result +
                      "<ResponseMetadata><RequestId>" + uuid() + "</RequestId></ResponseMetadata></" +
                      operation + "Response>");
}

Result<std::string> follow(store::Transaction& tx, const http::Head& head) {
  if (value(head, "Action") == "ConfirmSubscription") {
    auto arn = Arn::parse(value(head, "TopicArn"));
    if (!arn) return invalid("TopicArn");
    Located topic{{arn->account, arn->region}, {}};
    auto found = tx.get<Topic>(topic.scope, arn->resource);
    if (!found) return fail("NotFound", "Topic does not exist", 404);
    topic.topic = std::move(*found);
    TRY_LET(auto at, confirm(tx, topic, value(head, "Token"), false));
    return at.arn();
  }
  TRY_LET(auto at, find_subscription(tx, value(head, "SubscriptionArn")));
  if (at.subscription.guarded)
    return fail("AuthorizationError", "The subscription can be ended by a signed request only", 403);
  remove(tx, at);
  return std::string();
}

}  // namespace

bool claims_link(const http::Head& head) {
  if (head.method != "GET") return false;
  if (head.path.starts_with(kCertificate)) return true;
  if (head.path != "/" || !head.header("authorization").empty() ||
      head.query.find("X-Amz-") != std::string_view::npos)
    return false;
  const auto action = value(head, "Action");
  return action == "ConfirmSubscription" ||
         (action == "Unsubscribe" && !value(head, "SubscriptionArn").empty());
}

std::unique_ptr<http::Receiver> open_link(api::Cloud& cloud, http::HeadPtr head) {
  if (head->path.starts_with(kCertificate)) {
    auto& signer = api::part<Signer>(cloud);
    auto path = signer.path();
    auto pem = signer.certificate();
    if (!path || !pem || head->path != *path)
      return http::answer_with(http::Answer(404, "There is no such certificate.\n"));
    http::Answer a(200, *pem);
    a.headers.emplace_back("Content-Type", "application/x-pem-file");
    return http::answer_with(std::move(a));
  }
  return http::collect(1024, [&cloud, head](std::string, http::Respond respond) {
    auto tx = cloud.store->begin();
    auto followed = follow(*tx, *head);
    if (!followed) return respond(error(followed.error()));
    auto shared = std::make_shared<http::Respond>(std::move(respond));
    cloud.store->commit(std::move(tx),
                        [shared, head, arn = *followed](store::CommitResult result, const std::string&) {
                          if (result == store::CommitResult::done)
                            return (*shared)(done(value(*head, "Action"), arn));
                          (*shared)(error({"ServiceUnavailable", 503, "", {}}));
                        });
  });
}

}  // namespace nubecita::sns
