// Image scans by the scanner of the configuration (trivy, or what answers like it).
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "host/processes/processes.hpp"
#include "services/ecr/blobs.hpp"
#include "services/ecr/controllers.hpp"
#include "services/ecr/images.hpp"

namespace nubecita::ecr {
namespace {

namespace fs = std::filesystem;
constexpr size_t kMaxReport = 64 << 20;
constexpr size_t kMaxFindings = 5000;  // one record holds them

std::string_view severity(std::string_view trivy) {
  for (std::string_view s : {"LOW", "MEDIUM", "HIGH", "CRITICAL"})
    if (trivy == s) return s;
  return trivy == "NEGLIGIBLE" ? "INFORMATIONAL" : "UNDEFINED";
}

/// The image as an OCI layout: what the scanner reads. Layers are links to their files.
class Layout {
 public:
  explicit Layout(const std::string& data_dir)
      : path_(fs::path(data_dir) / "run" / ("scan-" + random_hex(12))) {}
  ~Layout() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

  Status write(const Blobs& blobs, const Image& image, const std::string& manifest) {
    std::error_code ec;
    auto folder = path_ / "blobs" / image.digest.substr(0, 6);
    fs::create_directories(folder, ec);
    fs::permissions(path_, fs::perms::owner_all, ec);
    std::ofstream(path_ / "oci-layout") << R"({"imageLayoutVersion":"1.0.0"})";
    json::object d;
    d["mediaType"] = image.media_type;
    d["digest"] = image.digest;
    d["size"] = static_cast<int64_t>(manifest.size());
    json::object index;
    index["schemaVersion"] = 2;
    index["manifests"] = json::array{std::move(d)};
    std::ofstream(path_ / "index.json") << json::serialize(json::value(std::move(index)));
    std::ofstream out(folder / image.digest.substr(7));
    out << manifest;
    out.close();
    if (!out) return fail("ScanFailed", "Cannot write to " + path_.string() + ".");
    for (auto& layer : image.layers) {
      auto to = path_ / "blobs" / layer.substr(0, 6);
      fs::create_directories(to, ec);
      if (::link(blobs.path(layer).c_str(), (to / layer.substr(7)).c_str()) && errno != EEXIST)
        return fail("ScanFailed", "The layer " + layer + " is not on this machine.");
    }
    return {};
  }

 private:
  fs::path path_;
};

Result<std::vector<Finding>> scan_image(api::Cloud& cloud, const Image& image, const std::string& manifest) {
  const auto& scanner = cloud.config.image_scanner;
  if (scanner.empty())
    return fail(
        "ScanFailed",
        "No image scanner is installed: set image_scanner in nubecita.json to a trivy-compatible program.");
  if (!cloud.processes) return fail("ScanFailed", "Nothing can run the image scanner here.");
  Layout layout(cloud.config.data_dir);
  TRY(layout.write(Blobs(cloud.config), image, manifest));
  const auto report = (layout.path() / "report.json").string();
  host::RunOptions options;
  options.timeout = std::chrono::minutes(15);
  auto run = cloud.processes->run({scanner, "image", "--quiet", "--input", layout.path().string(), "--format",
                                   "json", "--output", report},
                                  options);
  if (!run)
    return fail("ScanFailed", "The image scanner " + scanner + " could not be run: " + run.error().message);
  if (!run->ok()) {
    auto text = run->err.substr(run->err.size() > 500 ? run->err.size() - 500 : 0);
    return fail("ScanFailed", "The image scanner ended with code " + std::to_string(run->code) + ": " + text);
  }
  std::error_code ec;
  auto size = fs::file_size(report, ec);
  if (ec || size > kMaxReport)
    return fail("ScanFailed", "The image scanner wrote no report that can be read.");
  std::ifstream in(report, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  auto found = parse_trivy(text.str());
  if (!found)
    return fail("ScanFailed", "The image scanner's report cannot be read: " + found.error().message);
  return found;
}

}  // namespace

Result<std::vector<Finding>> parse_trivy(std::string_view text) {
  TRY_LET(auto doc, json::parse(text));
  if (!doc.is_object()) return fail("MalformedInput", "the report is no object");
  std::vector<Finding> out;
  auto* results = json::array_at(doc.get_object(), "Results");
  if (!results) return out;  // nothing that the scanner knows packages of
  for (auto& r : *results) {
    auto* list = r.is_object() ? json::array_at(r.get_object(), "Vulnerabilities") : nullptr;
    if (!list) continue;
    for (auto& v : *list) {
      if (!v.is_object()) return fail("MalformedInput", "a vulnerability is no object");
      auto& o = v.get_object();
      Finding f;
      f.name = json::text_or(o, "VulnerabilityID");
      f.description = json::text_or(o, "Description", json::text_or(o, "Title")).substr(0, 1000);
      f.uri = json::text_or(o, "PrimaryURL");
      f.severity = severity(json::text_or(o, "Severity"));
      f.package = json::text_or(o, "PkgName");
      f.version = json::text_or(o, "InstalledVersion");
      f.fixed = json::text_or(o, "FixedVersion");
      if (out.size() < kMaxFindings) out.push_back(std::move(f));
    }
  }
  return out;
}

Result<control::Again> run_scan(api::Cloud& cloud, const store::Scope& scope, const std::string& id) {
  std::optional<Scan> scan;
  std::optional<Image> image;
  std::optional<std::string> manifest;
  {
    auto tx = cloud.store->begin();
    scan = tx->get<Scan>(scope, id);
    auto result = tx->get<ScanResult>(scope, id);
    if (!scan || (result && result->requested == scan->requested)) return control::done();
    image = tx->get<Image>(scope, id);
    if (image) manifest = manifest_text(*tx, scope, *image);
  }
  if (!image || !manifest) return control::done();  // deleted since
  auto found = scan_image(cloud, *image, *manifest);
  ScanResult result{scan->repository, scan->digest, scan->requested};
  result.completed = now_ms();
  result.status = found ? "COMPLETE" : "FAILED";
  if (found) {
    result.findings = std::move(*found);
    result.description = "The scan was completed successfully.";
  } else {
    result.description = found.error().message;
    log_warning("ecr", "scan of {}: {}", id, result.description);
  }
  TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
    if (tx.get<Image>(scope, id)) tx.put(scope, result);
    return {};
  }));
  return control::done();
}

}  // namespace nubecita::ecr
