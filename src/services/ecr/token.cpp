#include "services/ecr/token.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <charconv>

#include "base/ids.hpp"
#include "base/json.hpp"
#include "services/ecr/ecr.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecr {
namespace {

const store::Scope kHere{"-", "-"};

std::string key_of(store::Transaction& tx) {
  auto k = tx.get<TokenKey>(kHere, "key");
  if (!k) {
    k = TokenKey{random_hex(64)};
    tx.put(kHere, *k);
  }
  return k->secret;
}

std::string mac(std::string_view key, std::string_view text) {
  unsigned char out[32];
  unsigned n = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &n);
  return to_hex({reinterpret_cast<char*>(out), n});
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string download_text(const store::Scope& s, std::string_view repository, std::string_view digest,
                          std::string_view expires) {
  std::string out = "download\n";
  for (std::string_view part :
       {std::string_view(s.account), std::string_view(s.region), repository, digest, expires})
    out.append(part).append("\n");
  return out;
}

}  // namespace

std::string make_password(store::Transaction& tx, const api::Principal& p, int64_t expires_ms) {
  json::object o;
  o["kind"] = static_cast<int>(p.kind);
  o["account"] = p.account;
  o["arn"] = p.arn;
  o["id"] = p.id;
  o["name"] = p.name;
  o["key"] = p.access_key;
  o["policy"] = p.session_policy;
  o["issued"] = p.token_issued_ms;
  o["expires"] = expires_ms;
  o["policies"] = json::array(p.session_policy_arns.begin(), p.session_policy_arns.end());
  json::object tags;
  for (auto& [k, v] : p.session_tags) tags[k] = v;
  o["tags"] = std::move(tags);
  auto payload = base64(json::serialize(json::value(std::move(o))));
  return payload + "." + mac(key_of(tx), "password\n" + payload);
}

Result<api::Principal> check_password(store::Transaction& tx, std::string_view password, int64_t now) {
  auto refused = [](const char* why) { return fail("Unauthorized", why, 401); };
  auto dot = password.rfind('.');
  if (dot == std::string_view::npos) return refused("The password is none of GetAuthorizationToken.");
  auto payload = std::string(password.substr(0, dot));
  auto key = tx.get<TokenKey>(kHere, "key");
  if (!key || !same(mac(key->secret, "password\n" + payload), password.substr(dot + 1)))
    return refused("The password is none of this registry's.");
  std::string text;
  auto parsed =
      base64_decode(payload, text) ? json::parse(text) : Result<json::value>(fail("MalformedInput", ""));
  if (!parsed || !parsed->is_object()) return refused("The password is none of this registry's.");
  auto& o = parsed->get_object();
  if (json::int_or(o, "expires") <= now)
    return refused("Your authorization token has expired. Reauthenticate and try again.");
  api::Principal p;
  p.kind = static_cast<api::Principal::Kind>(json::int_or(o, "kind"));
  p.account = json::text_or(o, "account");
  p.arn = json::text_or(o, "arn");
  p.id = json::text_or(o, "id");
  p.name = json::text_or(o, "name");
  p.access_key = json::text_or(o, "key");
  p.session_policy = json::text_or(o, "policy");
  p.token_issued_ms = json::int_or(o, "issued");
  if (auto* policies = json::array_at(o, "policies"))
    for (auto& v : *policies)
      if (v.is_string()) p.session_policy_arns.emplace_back(v.get_string());
  if (auto* tags = json::object_at(o, "tags"))
    for (auto& [k, v] : *tags)
      if (v.is_string()) p.session_tags[std::string(k)] = std::string(v.get_string());
  if (p.kind == api::Principal::Kind::user || p.kind == api::Principal::Kind::root) {
    // A temporary key (GetSessionToken) may be over while its password is not.
    auto credential =
        p.access_key.starts_with("AKIA") ? iam::find_credential(tx, p.access_key) : std::nullopt;
    if (p.access_key.starts_with("AKIA") && (!credential || !credential->active))
      return refused("The access key that asked for this password is gone.");
  }
  return p;
}

std::string sign_download(store::Transaction& tx, const store::Scope& scope, std::string_view repository,
                          std::string_view digest, int64_t expires_ms) {
  auto expires = std::to_string(expires_ms);
  return "expires=" + expires +
         "&signature=" + mac(key_of(tx), download_text(scope, repository, digest, expires));
}

bool check_download(store::Transaction& tx, const store::Scope& scope, std::string_view repository,
                    std::string_view digest, std::string_view expires, std::string_view signature,
                    int64_t now) {
  int64_t until = 0;
  auto [end, ec] = std::from_chars(expires.data(), expires.data() + expires.size(), until);
  auto key = tx.get<TokenKey>(kHere, "key");
  return ec == std::errc() && end == expires.data() + expires.size() && until > now && key &&
         same(mac(key->secret, download_text(scope, repository, digest, expires)), signature);
}

}  // namespace nubecita::ecr
