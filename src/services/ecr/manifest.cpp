#include "services/ecr/manifest.hpp"

#include "base/json.hpp"

namespace nubecita::ecr {
namespace {

constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";

std::unexpected<ApiError> bad(std::string why) {
  return fail("InvalidManifest", "Invalid manifest: " + std::move(why));
}

Result<Descriptor> descriptor(const json::value& v, const std::string& where) {
  if (!v.is_object()) return bad(where + " must be an object.");
  auto& o = v.get_object();
  Descriptor d;
  d.media_type = json::text_or(o, "mediaType");
  d.digest = json::text_or(o, "digest");
  if (!is_digest(d.digest)) return bad(where + ".digest is no digest.");
  auto* size = o.if_contains("size");
  if (!size || !(size->is_int64() || size->is_uint64())) return bad(where + ".size must be a whole number.");
  d.size = json::int_or(o, "size", -1);
  if (d.size < 0) return bad(where + ".size must not be negative.");
  auto* urls = json::array_at(o, "urls");
  d.elsewhere = urls && !urls->empty() && d.media_type.find("foreign") != std::string::npos;
  if (d.media_type.find(".nondistributable.") != std::string::npos) d.elsewhere = urls && !urls->empty();
  return d;
}

Status list(const json::object& o, const char* name, std::vector<Descriptor>& out) {
  auto* v = o.if_contains(name);
  if (!v || !v->is_array()) return bad(std::string(name) + " must be a list.");
  size_t i = 0;
  for (auto& element : v->get_array()) {
    TRY_LET(auto d, descriptor(element, std::string(name) + "[" + std::to_string(i++) + "]"));
    out.push_back(std::move(d));
  }
  return {};
}

bool all_of(std::string_view s, std::string_view more) {
  for (char c : s)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos))
      return false;
  return true;
}

}  // namespace

int64_t Manifest::size() const {
  int64_t sum = 0;
  for (auto& b : blobs)
    if (__builtin_add_overflow(sum, b.size, &sum)) return INT64_MAX;
  return sum;
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view media_type) {
  if (text.size() > kMaxManifest) return bad("it is larger than 4 MiB.");
  auto parsed = json::parse(text, 32);
  if (!parsed) return bad(parsed.error().message);
  if (!parsed->is_object()) return bad("it must be a JSON object.");
  auto& o = parsed->get_object();
  Manifest m;
  if (json::int_or(o, "schemaVersion") != 2) return bad("schemaVersion must be 2 (schema 1 is not served).");
  const auto own = json::text_or(o, "mediaType");
  auto semicolon = media_type.find(';');
  m.media_type = std::string(media_type.substr(0, semicolon));
  if (m.media_type.empty()) m.media_type = own;
  if (m.media_type.empty()) m.media_type = o.contains("manifests") ? kOciIndex : kOciManifest;
  if (!own.empty() && own != m.media_type)
    return bad("its mediaType \"" + own + "\" is not the one it was sent as, \"" + m.media_type + "\".");
  m.is_index = m.media_type == kDockerList || m.media_type == kOciIndex;
  if (!m.is_index && m.media_type != kDockerManifest && m.media_type != kOciManifest)
    return bad("media type \"" + m.media_type + "\" is not served.");
  m.artifact_type = json::text_or(o, "artifactType");
  if (m.is_index) {
    if (o.contains("layers") || o.contains("config")) return bad("an index has no layers and no config.");
    TRY(list(o, "manifests", m.children));
  } else {
    if (o.contains("manifests")) return bad("an image manifest has no manifests.");
    auto* config = o.if_contains("config");
    if (!config) return bad("config is missing.");
    TRY_LET(auto d, descriptor(*config, "config"));
    if (m.artifact_type.empty()) m.artifact_type = d.media_type;
    m.blobs.push_back(std::move(d));
    TRY(list(o, "layers", m.blobs));
  }
  if (auto* subject = o.if_contains("subject"); subject && !subject->is_null()) {
    TRY_LET(m.subject, descriptor(*subject, "subject"));
  }
  if (auto* annotations = json::object_at(o, "annotations"))
    for (auto& [k, v] : *annotations)
      if (v.is_string()) m.annotations[std::string(k)] = std::string(v.get_string());
  return m;
}

bool is_digest(std::string_view s) {
  const size_t digits = s.starts_with("sha256:") ? 64 : s.starts_with("sha512:") ? 128 : 0;
  if (!digits || s.size() != 7 + digits) return false;
  for (char c : s.substr(7))
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  return true;
}

bool is_tag(std::string_view s) {
  if (s.empty() || s.size() > 300 || s[0] == '.' || s[0] == '-') return false;
  return all_of(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-");
}

// (?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*
bool is_repository_name(std::string_view s) {
  if (s.size() < 2 || s.size() > 256 || !all_of(s, "._-/")) return false;
  bool after_separator = true;
  for (char c : s) {
    const bool separator = c == '.' || c == '_' || c == '-' || c == '/';
    if (separator && after_separator) return false;
    after_separator = separator;
  }
  return !after_separator;
}

}  // namespace nubecita::ecr
