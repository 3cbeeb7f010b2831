// Server certificates for HTTPS listeners. What is uploaded is checked with OpenSSL: that it parses, that the
// key is the certificate's, that the chain is one.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "base/arn.hpp"
#include "services/iam/attachments.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::iam {

namespace {

template <auto F>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

Bio reader(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }
int no_password(char*, int, int, void*) { return -1; }

int64_t expiry_ms(X509* c) {
  std::tm t{};
  if (!ASN1_TIME_to_tm(X509_get0_notAfter(c), &t)) return 0;
  return static_cast<int64_t>(timegm(&t)) * 1000;
}

std::unexpected<ApiError> malformed(std::string message) {
  return fail("MalformedCertificate", std::move(message));
}

struct Checked {
  int64_t expires = 0;
};
Result<Checked> check(std::string_view body, std::string_view chain, std::string_view private_key) {
  struct Quiet {  // OpenSSL's queue of errors is per thread: leave none behind
    ~Quiet() { ERR_clear_error(); }
  } quiet;
  auto in = reader(body);
  Certificate certificate(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
  if (!certificate)
    return malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.");
  if (Certificate(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr)))
    return malformed(
        "The certificate body holds more than one certificate: the others belong into the chain.");
  in = reader(private_key);
  Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
  if (!key) return malformed("Unable to parse key; the private key must be unencrypted and in PEM format.");
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return fail("KeyPairMismatch", "Private key does not match the public key of the certificate");
  if (!chain.empty()) {
    in = reader(chain);
    size_t n = 0;
    X509* below = certificate.get();
    std::vector<Certificate> links;
    for (;;) {
      Certificate next(PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr));
      if (!next) break;
      if (X509_check_issued(next.get(), below) != X509_V_OK)
        return malformed(
            "Unable to validate certificate chain. The certificate chain must start with the immediate "
            "signing "
            "certificate, followed by any intermediaries in order.");
      links.push_back(std::move(next));
      below = links.back().get();
      ++n;
    }
    if (!n) return malformed("Unable to parse certificate chain. Please ensure the chain is in PEM format.");
  }
  return Checked{expiry_ms(certificate.get())};
}

/// As AWS answers PEM: without blanks around it. Terraform replaces certificates that come back otherwise.
std::string_view trimmed(std::string_view pem) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = pem.find_first_not_of(blanks);
  return first == std::string_view::npos ? "" : pem.substr(first, pem.find_last_not_of(blanks) - first + 1);
}

void answer(Call& call, const ServerCertificate& c, model::ServerCertificateMetadata& out) {
  out.path = call.text(c.path);
  out.server_certificate_name = call.text(c.name);
  out.server_certificate_id = call.text(c.id);
  out.arn = call.text(certificate_arn(call.account, c));
  out.upload_date = time_of(c.uploaded);
  out.expiration = time_of(c.expires);
}

}  // namespace

Status upload_server_certificate(Call& call, const model::UploadServerCertificateRequest& in,
                                 model::UploadServerCertificateResponse& out) {
  ServerCertificate c;
  TRY(authorized_new(call, c, in.server_certificate_name, in.path, request_tags(in.tags)));
  TRY_LET(auto checked, check(in.certificate_body, in.certificate_chain, in.private_key));
  TRY(add_tags(in.tags, c.tags));
  c.body = str(in.certificate_body);
  c.chain = str(in.certificate_chain);
  c.private_key = str(in.private_key);
  c.uploaded = call.now;
  c.expires = checked.expires;
  call.tx.put(call.global(), c);
  out.server_certificate_metadata = call.make<model::ServerCertificateMetadata>();
  answer(call, c, *out.server_certificate_metadata);
  out.tags = answer_tags(call, c.tags);
  return {};
}

Status get_server_certificate(Call& call, const model::GetServerCertificateRequest& in,
                              model::GetServerCertificateResponse& out) {
  TRY_LET(auto c, authorized<ServerCertificate>(call, in.server_certificate_name));
  out.server_certificate = call.make<model::ServerCertificate>();
  out.server_certificate->server_certificate_metadata = call.make<model::ServerCertificateMetadata>();
  answer(call, c, *out.server_certificate->server_certificate_metadata);
  out.server_certificate->certificate_body = call.text(trimmed(c.body));
  if (!c.chain.empty()) out.server_certificate->certificate_chain = call.text(trimmed(c.chain));
  out.server_certificate->tags = answer_tags(call, c.tags);
  return {};
}

Status list_server_certificates(Call& call, const model::ListServerCertificatesRequest& in,
                                model::ListServerCertificatesResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":server-certificate" +
                     std::string(in.path_prefix.value_or("/"))));
  auto all = call.tx.list<ServerCertificate>(call.global());
  keep_path(all, in.path_prefix);
  TRY_LET(auto some, one_page(call, in, out, std::move(all)));
  out.server_certificate_metadata_list = call.list<model::ServerCertificateMetadata>(some.size());
  for (size_t i = 0; i < some.size(); ++i) answer(call, some[i], out.server_certificate_metadata_list[i]);
  return {};
}

Status update_server_certificate(Call& call, const model::UpdateServerCertificateRequest& in,
                                 model::UpdateServerCertificateResponse&) {
  TRY_LET(auto c, authorized<ServerCertificate>(call, in.server_certificate_name));
  ServerCertificate changed = c;
  if (in.new_path.has()) TRY(check_path(in.new_path, changed.path));
  if (in.new_server_certificate_name.has()) {
    changed.name = str(in.new_server_certificate_name);
    TRY(check_name(changed.name, "newServerCertificateName", Kind<ServerCertificate>::longest));
  }
  const auto old_arn = certificate_arn(call.account, c), new_arn = certificate_arn(call.account, changed);
  if (old_arn == new_arn) return {};
  TRY(call.authorize(new_arn));
  // Its users know it by its ARN, so it keeps that while somebody uses it. AWS warns of the same in its
  // documentation.
  if (auto used = call.tx.list<CertificateUse>(call.global(), old_arn + "|"); !used.empty())
    return delete_conflict("Certificate: " + c.id + " is currently in use by " + used[0].user +
                           ". Please remove it first.");
  if (changed.key() != c.key()) {
    if (call.tx.get<ServerCertificate>(call.global(), changed.key()))
      return exists_already(exists_message<ServerCertificate>(changed.name));
    call.tx.erase<ServerCertificate>(call.global(), c.key());
  }
  call.tx.put(call.global(), changed);
  return {};
}

Status delete_server_certificate(Call& call, const model::DeleteServerCertificateRequest& in,
                                 model::DeleteServerCertificateResponse&) {
  TRY_LET(auto c, authorized<ServerCertificate>(call, in.server_certificate_name));
  auto used = call.tx.list<CertificateUse>(call.global(), certificate_arn(call.account, c) + "|");
  if (!used.empty())
    return delete_conflict("Certificate: " + c.id + " is currently in use by " + used[0].user +
                           ". Please remove it first before deleting it from IAM.");
  call.tx.erase<ServerCertificate>(call.global(), c.key());
  return {};
}

Status tag_server_certificate(Call& call, const model::TagServerCertificateRequest& in,
                              model::TagServerCertificateResponse&) {
  return tag_entity<ServerCertificate>(call, in.server_certificate_name, in.tags);
}
Status untag_server_certificate(Call& call, const model::UntagServerCertificateRequest& in,
                                model::UntagServerCertificateResponse&) {
  return untag_entity<ServerCertificate>(call, in.server_certificate_name, in.tag_keys);
}
Status list_server_certificate_tags(Call& call, const model::ListServerCertificateTagsRequest& in,
                                    model::ListServerCertificateTagsResponse& out) {
  return list_entity_tags<ServerCertificate>(call, in.server_certificate_name, in, out);
}

std::optional<ServerCertificate> find_server_certificate(store::Transaction& tx, std::string_view account,
                                                         std::string_view text) {
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "iam" || arn->account != account ||
      !arn->resource.starts_with("server-certificate/"))
    return {};
  auto c = find<ServerCertificate>(tx, account, arn->resource.substr(arn->resource.rfind('/') + 1));
  if (c && certificate_arn(account, *c) != text) c.reset();
  return c;
}

void use_server_certificate(store::Transaction& tx, std::string_view account, std::string_view arn,
                            std::string_view user) {
  tx.put(global_scope(account), CertificateUse{std::string(arn), std::string(user)});
}
void release_server_certificate(store::Transaction& tx, std::string_view account, std::string_view arn,
                                std::string_view user) {
  tx.erase<CertificateUse>(global_scope(account), CertificateUse{std::string(arn), std::string(user)}.key());
}

}  // namespace nubecita::iam
