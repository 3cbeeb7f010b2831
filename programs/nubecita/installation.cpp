#include "installation.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/ids.hpp"
#include "http/client.hpp"

namespace nubecita::commands {
namespace fs = std::filesystem;

Status write_private_file(const std::string& path, const std::string& text) {
  const auto temporary = path + ".new";
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool fine = fd >= 0 && ::fchmod(fd, 0600) == 0 &&
              ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!fine || ::rename(temporary.c_str(), path.c_str()) != 0)
    return fail("FileFailed", "cannot write " + path + ": " + std::strerror(fine ? errno : error));
  return {};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail("FileFailed", "cannot read " + path + ": " + std::strerror(errno));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Status write_profile(const std::string& path, const Profile& profile) {
  std::error_code ignored;
  if (auto parent = fs::path(path).parent_path(); !parent.empty() && !fs::exists(parent)) {
    fs::create_directories(parent, ignored);
    fs::permissions(parent, fs::perms::owner_all, ignored);
  }
  std::string kept;
  if (fs::exists(path)) {
    TRY_LET(std::string old, read_file(path));
    std::stringstream lines(old);
    bool skip = false;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("[")) skip = line == "[" + profile.name + "]";
      if (!skip) kept += line + "\n";
    }
  }
  kept += "[" + profile.name + "]\naws_access_key_id = " + profile.access_key +
          "\naws_secret_access_key = " + profile.secret + "\nregion = " + profile.region + "\n";
  return write_private_file(path, kept);
}

Result<Profile> read_profile(const std::string& path, const std::string& name) {
  TRY_LET(std::string text, read_file(path));
  Profile profile;
  std::stringstream lines(text);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) inside = line == "[" + name + "]";
    auto equals = line.find('=');
    if (!inside || equals == std::string::npos) continue;
    auto trim = [](std::string s) {
      s.erase(0, s.find_first_not_of(" \t"));
      s.erase(s.find_last_not_of(" \t\r") + 1);
      return s;
    };
    const auto key = trim(line.substr(0, equals)), value = trim(line.substr(equals + 1));
    if (key == "aws_access_key_id") profile.access_key = value;
    if (key == "aws_secret_access_key") profile.secret = value;
    if (key == "region") profile.region = value;
    profile.name = name;
  }
  if (profile.name.empty() || profile.access_key.empty())
    return fail("NoSuchProfile", "no profile \"" + name + "\" in " + path +
                                     "; make one with: nubecita init --account " + name);
  return profile;
}

Result<std::string> running_endpoint(const std::string& data) {
  auto pid = read_file(data + "/run/pid");
  auto endpoint = read_file(data + "/run/endpoint");
  if (!pid || !endpoint || ::kill(static_cast<pid_t>(std::atol(pid->c_str())), 0) != 0)
    return fail("NotRunning", "no cloud runs on " + data + "; start it with: nubecita serve --data " + data);
  while (!endpoint->empty() && endpoint->back() == '\n') endpoint->pop_back();
  return *endpoint;
}

Result<std::string> installation_token(const std::string& data) {
  const auto path = data + "/token";
  if (fs::exists(path)) return read_file(path);
  auto token = random_hex(48);
  TRY(write_private_file(path, token));
  return token;
}

Result<std::string> ask_server(const std::string& data, const std::string& path, const std::string& body) {
  TRY_LET(std::string endpoint, running_endpoint(data));
  TRY_LET(std::string token, installation_token(data));
  const auto address = endpoint.substr(endpoint.find("//") + 2);
  const auto colon = address.rfind(':');
  http::Request request;
  request.method = body.empty() ? "GET" : "POST";
  request.target = path;
  request.headers = {{"Authorization", "Bearer " + token}};
  request.body = body;
  TRY_LET(auto answer,
          http::request(http::Endpoint::tcp(address.substr(0, colon), std::stoi(address.substr(colon + 1))),
                        request));
  if (answer.status != 200)
    return fail("ServerRefused", "the server at " + endpoint + " answered " + std::to_string(answer.status) +
                                     ": " + answer.body);
  return answer.body;
}

Result<std::vector<std::pair<std::string, std::string>>> client_environment(const std::string& data,
                                                                            const std::string& profile) {
  TRY_LET(std::string endpoint, running_endpoint(data));
  TRY_LET(std::string token, installation_token(data));
  const auto credentials = data + "/credentials";
  const auto bundle = data + "/ca/bundle.pem";
  std::vector<std::pair<std::string, std::string>> out;
  TRY_LET(auto found, read_profile(credentials, profile));
  out.emplace_back("AWS_SHARED_CREDENTIALS_FILE", credentials);
  out.emplace_back("AWS_PROFILE", profile);
  out.emplace_back("AWS_SDK_LOAD_CONFIG", "1");
  out.emplace_back("AWS_REGION", found.region);
  out.emplace_back("AWS_DEFAULT_REGION", found.region);
  out.emplace_back("AWS_EC2_METADATA_DISABLED", "true");
  out.emplace_back("AWS_PAGER", "");
  out.emplace_back("AWS_ENDPOINT_URL", endpoint);
  out.emplace_back("AWS_CA_BUNDLE", bundle);
  out.emplace_back("SSL_CERT_FILE", bundle);
  out.emplace_back("REQUESTS_CA_BUNDLE", bundle);
  out.emplace_back("NODE_EXTRA_CA_CERTS", bundle);
  const auto proxy = "http://nubecita:" + token + "@" + endpoint.substr(endpoint.find("//") + 2);
  out.emplace_back("HTTPS_PROXY", proxy);
  out.emplace_back("https_proxy", proxy);
  return out;
}

}  // namespace nubecita::commands
