// Accounts of the installation. Each has an administrator, a user with AdministratorAccess; root has no keys.
#include <algorithm>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/iam/entities.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::iam {

namespace {

bool is_account_id(std::string_view id) {
  return id.size() == 12 && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string new_account_id(store::Transaction& tx) {
  for (;;) {
    auto id = random_text(1, "123456789") + random_text(11, "0123456789");
    if (!tx.get<Account>(kEverywhere, id)) return id;
  }
}

Bootstrap make_account(store::Transaction& tx, std::string id, std::string_view name, bool management) {
  Account a;
  a.id = std::move(id);
  a.name = std::string(name);
  a.management = management;
  a.created = now_ms();
  User u;
  u.name = "administrator";
  u.id = unique_id(Kind<User>::prefix);
  u.created = a.created;
  u.attached.push_back("arn:aws:iam::aws:policy/AdministratorAccess");
  tx.put(global_scope(a.id), Attachment{u.attached[0], "user", u.name, false});
  auto key = new_access_key(tx, a.id, u, a.created);
  a.administrator_key = key.id;
  tx.put(kEverywhere, a);
  return {a.id, key.id, key.secret};
}

Bootstrap known(store::Transaction& tx, const Account& a) {
  auto key = tx.get<AccessKey>(kEverywhere, a.administrator_key);
  return key ? Bootstrap{a.id, key->id, key->secret} : Bootstrap{a.id, "", ""};
}

}  // namespace

std::vector<Account> list_accounts(store::Transaction& tx) { return tx.list<Account>(kEverywhere); }

Result<Bootstrap> bootstrap(store::Store& store, std::string_view account_id) {
  if (!account_id.empty() && !is_account_id(account_id))
    return fail("ValidationError", "An account id has twelve digits; got '" + std::string(account_id) + "'.");
  Bootstrap out;
  TRY(store.transact([&](store::Transaction& tx) -> Status {
    for (auto& a : list_accounts(tx))
      if (a.management) {
        out = known(tx, a);
        return {};
      }
    out = make_account(tx, account_id.empty() ? new_account_id(tx) : std::string(account_id), "management",
                       true);
    return {};
  }));
  return out;
}

Result<Bootstrap> create_account(store::Store& store, std::string_view name) {
  TRY(check_name(name, "accountName", 50));
  Bootstrap out;
  TRY(store.transact([&](store::Transaction& tx) -> Status {
    for (auto& a : list_accounts(tx))
      if (name_key(a.name) == name_key(name))
        return exists_already("An account named " + std::string(name) + " already exists.");
    out = make_account(tx, new_account_id(tx), name, false);
    return {};
  }));
  return out;
}

}  // namespace nubecita::iam
