#include "base/config.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <variant>

#include "base/json.hpp"

namespace nubecita {

Result<Config> load_config(const std::string& data_dir) {
  Config config;
  config.data_dir = data_dir;
  const auto path = data_dir + "/nubecita.json";
  std::ifstream file(path);
  if (!file) return config;
  std::stringstream text;
  text << file.rdbuf();
  auto doc = json::parse(text.str());
  if (!doc) return fail("InvalidConfiguration", path + ": " + doc.error().message);
  if (!doc->is_object()) return fail("InvalidConfiguration", path + " must hold one JSON object");

  const std::map<std::string_view, std::variant<std::string*, int*, bool*>> members = {
      {"listen", &config.listen},
      {"domain", &config.domain},
      {"home_region", &config.home_region},
      {"public_pool", &config.public_pool},
      {"http_port", &config.http_port},
      {"https_port", &config.https_port},
      {"mariadb_for_mysql", &config.mariadb_for_mysql},
      {"image_scanner", &config.image_scanner},
      {"podman", &config.podman},
      {"io_threads", &config.io_threads},
  };
  for (const auto& [key, v] : doc->as_object()) {
    auto it = members.find(std::string_view(key.data(), key.size()));
    if (it == members.end())
      return fail("InvalidConfiguration",
                  path + ": unknown key \"" + std::string(key) + "\"; see docs/configuration.md");
    bool fits = false;
    if (auto* const* s = std::get_if<std::string*>(&it->second); s && v.is_string()) {
      **s = std::string(v.as_string());
      fits = true;
    } else if (auto* const* i = std::get_if<int*>(&it->second); i && v.is_int64()) {
      **i = static_cast<int>(v.as_int64());
      fits = true;
    } else if (auto* const* b = std::get_if<bool*>(&it->second); b && v.is_bool()) {
      **b = v.as_bool();
      fits = true;
    }
    if (!fits)
      return fail("InvalidConfiguration",
                  path + ": the value of \"" + std::string(key) + "\" has the wrong type");
  }
  if (config.listen.rfind(':') == std::string::npos)
    return fail("InvalidConfiguration", path + ": listen must be HOST:PORT");
  return config;
}

}  // namespace nubecita
