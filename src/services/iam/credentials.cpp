// Access keys and sessions: made here, and found by their id for every request.
#include <fmt/core.h>

#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/iam/entities.hpp"
#include "services/iam/iam.hpp"
#include "services/iam/sessions.hpp"

namespace nubecita::iam {

namespace {

constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string new_secret() { return random_text(40, kSecretAlphabet); }

Credential credential_of(AccessKey&& k) {
  Credential c;
  c.secret = std::move(k.secret);
  c.active = !k.inactive;
  auto& p = c.principal;
  p.kind = api::Principal::Kind::user;
  p.account = std::move(k.account);
  p.arn = std::move(k.user_arn);
  p.id = std::move(k.user_id);
  p.name = std::move(k.user);
  p.access_key = std::move(k.id);
  return c;
}

Credential credential_of(Session&& s) {
  using Kind = api::Principal::Kind;
  Credential c;
  c.secret = std::move(s.secret);
  c.session_token = std::move(s.token);
  c.expires_ms = s.expires;
  auto& p = c.principal;
  p.kind = s.kind == "role" ? Kind::role : s.kind == "root" ? Kind::root : Kind::user;
  p.account = std::move(s.account);
  p.arn = std::move(s.principal_arn);
  p.id = std::move(s.principal_id);
  p.name = std::move(s.name);
  p.access_key = std::move(s.id);
  p.session_policy = std::move(s.policy);
  p.session_policy_arns = std::move(s.policy_arns);
  p.session_tags = std::move(s.tags);
  p.token_issued_ms = s.issued;
  return c;
}

/// Sessions that ended over an hour ago (until then the client learns that its token has expired).
void sweep(store::Transaction& tx, int64_t now) {
  const auto limit = fmt::format("{:015}", now - int64_t{3600} * 1000);
  std::vector<std::string> over;
  tx.scan(store::make_key(SessionEnd::kTable, kEverywhere, ""), {},
          [&](std::string_view, std::string_view value) {
            auto end = store::decode_record<SessionEnd>(value);
            if (end.at >= limit || over.size() == 8) return false;
            over.push_back(std::move(end.at));
            return true;
          });
  for (auto& at : over) {
    tx.erase<SessionEnd>(kEverywhere, at);
    tx.erase<Session>(kEverywhere, at.substr(at.find('.') + 1));
  }
}

}  // namespace

std::optional<Credential> find_credential(store::Transaction& tx, std::string_view id) {
  if (id.starts_with("ASIA")) {
    auto s = tx.get<Session>(kEverywhere, id);
    return s ? std::optional(credential_of(std::move(*s))) : std::nullopt;
  }
  auto k = tx.get<AccessKey>(kEverywhere, id);
  return k ? std::optional(credential_of(std::move(*k))) : std::nullopt;
}

AccessKey new_access_key(store::Transaction& tx, std::string_view account, User& user, int64_t now) {
  AccessKey k;
  k.id = "AKIA" + random_text(16, kIdAlphabet);
  k.secret = new_secret();
  k.account = std::string(account);
  k.user = user.name;
  k.user_id = user.id;
  k.user_arn = user_arn(account, user);
  k.created = now;
  user.access_keys.push_back(k.id);
  tx.put(kEverywhere, k);
  tx.put(global_scope(account), user);
  return k;
}

TemporaryCredentials start_session(store::Transaction& tx, Session s, int64_t now, int64_t duration_s) {
  sweep(tx, now);
  s.id = "ASIA" + random_text(16, kIdAlphabet);
  s.secret = new_secret();
  s.token = "FwoGZXIvYXdz" + base64(random_bytes(180));
  s.issued = now;
  s.expires = now + duration_s * 1000;
  tx.put(kEverywhere, s);
  tx.put(kEverywhere, SessionEnd{fmt::format("{:015}.{}", s.expires, s.id)});
  return {s.id, s.secret, s.token, s.expires, s.principal_arn, s.principal_id};
}

Session role_session(std::string_view account, const Role& role, std::string_view session_name) {
  Session s;
  s.kind = "role";
  s.account = std::string(account);
  s.name = role.name;
  s.principal_arn =
      "arn:aws:sts::" + s.account + ":assumed-role/" + role.name + "/" + std::string(session_name);
  s.principal_id = role.id + ":" + std::string(session_name);
  return s;
}

Result<TemporaryCredentials> issue_role_session(store::Transaction& tx, std::string_view account,
                                                std::string_view arn, std::string_view session_name,
                                                int64_t duration_s, std::string_view session_policy) {
  auto parsed = Arn::parse(arn);
  auto role = find_role(tx, arn);
  if (!role || parsed->account != account)
    return no_such_entity("The role " + std::string(arn) + " cannot be found.");
  auto s = role_session(account, *role, session_name);
  s.policy = std::string(session_policy);
  return start_session(tx, std::move(s), now_ms(), duration_s);
}

Result<TemporaryCredentials> issue_service_session(store::Transaction& tx, std::string_view account,
                                                   std::string_view arn, std::string_view service_principal,
                                                   std::string_view session_name, int64_t duration_s) {
  TRY(check_service_trust(tx, arn, service_principal));
  return issue_role_session(tx, account, arn, session_name, duration_s);
}

}  // namespace nubecita::iam
