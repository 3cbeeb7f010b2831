// `nubecita init`: the data directory, the management account with its administrator, an AWS profile. Safe to
// run again. With --account NAME: a further account, also while the cloud runs.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/json.hpp"
#include "commands.hpp"
#include "http/authority.hpp"
#include "installation.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::commands {
namespace {
namespace fs = std::filesystem;

Result<iam::Bootstrap> make_account(const Common& common, const std::string& name) {
  if (running_endpoint(common.data)) {  // the server has the store: it makes the account
    TRY_LET(std::string text,
            ask_server(common.data, "/_nubecita/accounts", json::serialize(json::object{{"name", name}})));
    TRY_LET(auto doc, json::parse(text));
    const auto& o = doc.as_object();
    return iam::Bootstrap{json::text_or(o, "account"), json::text_or(o, "access_key_id"),
                          json::text_or(o, "secret")};
  }
  TRY_LET(auto store, store::Store::open(common.data + "/store"));
  if (name.empty()) return iam::bootstrap(*store);
  return iam::create_account(*store, name);
}

Result<json::object> prepare(const Common& common, const InitOptions& options) {
  std::error_code error;
  fs::create_directories(common.data, error);
  if (error || ::chmod(common.data.c_str(), 0700) != 0)
    return fail("FileFailed", "cannot make the data directory " + common.data + ": " + error.message());
  TRY_LET(auto config, load_config(common.data));
  TRY(installation_token(common.data));
  TRY_LET(auto authority, http::Authority::open(common.data + "/ca"));
  TRY(authority->write_bundle(common.data + "/ca/bundle.pem"));

  const std::string profile = options.account.empty() ? options.profile : options.account;
  const std::string own = common.data + "/credentials";
  json::object report{
      {"data", common.data}, {"profile", profile}, {"region", config.home_region}, {"credentials", own}};
  if (auto known = read_profile(own, profile); known && options.account.empty()) {
    report["made"] = false;
    return report;
  }
  TRY_LET(auto made, make_account(common, options.account));
  if (made.access_key_id.empty())
    return fail("NoKey", "the administrator's first access key has been deleted; use another profile");
  const Profile entry{profile, made.access_key_id, made.secret, config.home_region};
  TRY(write_profile(own, entry));
  std::string also = options.profile_file;
  if (also.empty())
    if (const char* home = std::getenv("HOME")) also = std::string(home) + "/.aws/credentials";
  if (!also.empty() && also != "-") {
    TRY(write_profile(also, entry));
    report["credentials"] = also;
  }
  report["account"] = made.account;
  report["made"] = true;
  return report;
}
}  // namespace

int init(const Common& common, const InitOptions& options) {
  auto report = prepare(common, options);
  if (!report) return complain(common, report.error());
  if (common.json) {
    std::cout << json::serialize(*report) << "\n";
  } else if (report->at("made").as_bool()) {
    std::cout << "account " << json::text_or(*report, "account") << ", administrator's keys in profile \""
              << json::text_or(*report, "profile") << "\" of " << json::text_or(*report, "credentials")
              << "\n"
              << "next: nubecita serve --data " << common.data << "\n";
  } else {
    std::cout << common.data << " is ready already (profile \"" << json::text_or(*report, "profile")
              << "\")\n";
  }
  return 0;
}

}  // namespace nubecita::commands
