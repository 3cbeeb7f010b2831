// Operations on the account itself: alias, summary, all of its details; and the lists of what does not exist
// here.
#include <algorithm>
#include <cctype>

#include "services/iam/entities.hpp"

namespace nubecita::iam {

namespace {
bool good_alias(std::string_view s) {
  if (s.size() < 3 || s.size() > 63 || s.front() == '-' || s.back() == '-') return false;
  if (s.find("--") != std::string_view::npos) return false;
  const bool digits = std::all_of(s.begin(), s.end(), [](unsigned char c) { return std::isdigit(c); });
  return !(digits && s.size() == 12) && std::all_of(s.begin(), s.end(), [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '-';
  });
}
}  // namespace

Status create_account_alias(Call& call, const model::CreateAccountAliasRequest& in,
                            model::CreateAccountAliasResponse&) {
  TRY(call.authorize("*"));
  auto alias = str(in.account_alias);
  if (!good_alias(alias))
    return fail("ValidationError",
                "1 validation error detected: Value '" + alias +
                    "' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular "
                    "expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$");
  auto taken = call.tx.get<AccountAlias>(kEverywhere, alias);
  if (taken && taken->account != call.account)
    return exists_already("The account alias " + alias + " already exists.");
  auto a = call.tx.get<Account>(kEverywhere, call.account);
  if (!a) return no_such_entity("The account " + call.account + " cannot be found.");
  if (!a->alias.empty())
    call.tx.erase<AccountAlias>(kEverywhere, a->alias);  // an account has one: the new replaces the old
  a->alias = alias;
  call.tx.put(kEverywhere, *a);
  call.tx.put(kEverywhere, AccountAlias{alias, call.account});
  return {};
}

Status delete_account_alias(Call& call, const model::DeleteAccountAliasRequest& in,
                            model::DeleteAccountAliasResponse&) {
  TRY(call.authorize("*"));
  auto a = call.tx.get<Account>(kEverywhere, call.account);
  if (!a || a->alias.empty() || !(in.account_alias == a->alias))
    return no_such_entity("The account alias " + str(in.account_alias) + " does not exist.");
  call.tx.erase<AccountAlias>(kEverywhere, a->alias);
  a->alias.clear();
  call.tx.put(kEverywhere, *a);
  return {};
}

Status list_account_aliases(Call& call, const model::ListAccountAliasesRequest&,
                            model::ListAccountAliasesResponse& out) {
  TRY(call.authorize("*"));
  auto a = call.tx.get<Account>(kEverywhere, call.account);
  out.account_aliases =
      call.texts(a && !a->alias.empty() ? std::vector{a->alias} : std::vector<std::string>{});
  out.is_truncated = false;
  return {};
}

Status get_account_summary(Call& call, const model::GetAccountSummaryRequest&,
                           model::GetAccountSummaryResponse& out) {
  TRY(call.authorize("*"));
  auto count = [&](auto record) {
    return static_cast<int32_t>(call.tx.list<decltype(record)>(call.global()).size());
  };
  int32_t versions = 0;
  for (auto& p : call.tx.list<ManagedPolicy>(call.global()))
    versions += static_cast<int32_t>(p.versions.size());
  const std::pair<std::string_view, int32_t> rows[] = {{"Users", count(User{})},
                                                       {"UsersQuota", 5000},
                                                       {"Groups", count(Group{})},
                                                       {"GroupsQuota", 300},
                                                       {"Roles", count(Role{})},
                                                       {"RolesQuota", 1000},
                                                       {"Policies", count(ManagedPolicy{})},
                                                       {"PoliciesQuota", 1500},
                                                       {"InstanceProfiles", count(InstanceProfile{})},
                                                       {"InstanceProfilesQuota", 1000},
                                                       {"ServerCertificates", count(ServerCertificate{})},
                                                       {"ServerCertificatesQuota", 20},
                                                       {"PolicyVersionsInUse", versions},
                                                       {"PolicyVersionsInUseQuota", 10000},
                                                       {"AccessKeysPerUserQuota", 2},
                                                       {"AttachedPoliciesPerGroupQuota", 10},
                                                       {"AttachedPoliciesPerRoleQuota", 10},
                                                       {"AttachedPoliciesPerUserQuota", 10},
                                                       {"GroupsPerUserQuota", 10},
                                                       {"PolicySizeQuota", 6144},
                                                       {"VersionsPerPolicyQuota", 5},
                                                       {"UserPolicySizeQuota", 2048},
                                                       {"GroupPolicySizeQuota", 5120},
                                                       {"AssumeRolePolicySizeQuota", 2048},
                                                       {"MFADevices", 0},
                                                       {"MFADevicesInUse", 0},
                                                       {"AccountMFAEnabled", 0},
                                                       {"AccountAccessKeysPresent", 0},
                                                       {"AccountSigningCertificatesPresent", 0},
                                                       {"AccountPasswordPresent", 0},
                                                       {"Providers", 0},
                                                       {"SigningCertificatesPerUserQuota", 2},
                                                       {"GlobalEndpointTokenVersion", 2}};
  out.summary_map = call.list<wire::Entry<int32_t>>(std::size(rows));
  for (size_t i = 0; i < std::size(rows); ++i)
    out.summary_map[i] = {call.text(rows[i].first), rows[i].second};
  return {};
}

namespace {

wire::List<model::PolicyDetail> inline_details(Call& call,
                                               const std::map<std::string, std::string>& policies) {
  auto list = call.list<model::PolicyDetail>(policies.size());
  size_t i = 0;
  for (auto& [name, document] : policies) list[i++] = {call.text(name), call.text(percent_encode(document))};
  return list;
}
wire::List<model::AttachedPolicy> attached_details(Call& call, const std::vector<std::string>& arns) {
  auto list = call.list<model::AttachedPolicy>(arns.size());
  for (size_t i = 0; i < arns.size(); ++i)
    list[i] = {call.text(arns[i].substr(arns[i].rfind('/') + 1)), call.text(arns[i])};
  return list;
}

void detail(Call& call, const User& u, model::UserDetail& out) {
  out.path = call.text(u.path);
  out.user_name = call.text(u.name);
  out.user_id = call.text(u.id);
  out.arn = call.text(user_arn(call.account, u));
  out.create_date = time_of(u.created);
  out.user_policy_list = inline_details(call, u.inline_policies);
  out.group_list = call.texts(u.groups);
  out.attached_managed_policies = attached_details(call, u.attached);
  out.permissions_boundary = answer_boundary(call, u.boundary);
  out.tags = answer_tags(call, u.tags);
}
void detail(Call& call, const Group& g, model::GroupDetail& out) {
  out.path = call.text(g.path);
  out.group_name = call.text(g.name);
  out.group_id = call.text(g.id);
  out.arn = call.text(group_arn(call.account, g));
  out.create_date = time_of(g.created);
  out.group_policy_list = inline_details(call, g.inline_policies);
  out.attached_managed_policies = attached_details(call, g.attached);
}
void detail(Call& call, const Role& r, model::RoleDetail& out) {
  out.path = call.text(r.path);
  out.role_name = call.text(r.name);
  out.role_id = call.text(r.id);
  out.arn = call.text(role_arn(call.account, r));
  out.create_date = time_of(r.created);
  out.assume_role_policy_document = call.text(percent_encode(r.trust));
  out.instance_profile_list = call.list<model::InstanceProfile>(r.profiles.size());
  for (size_t i = 0; i < r.profiles.size(); ++i)
    if (auto p = find<InstanceProfile>(call.tx, call.account, r.profiles[i]))
      answer(call, *p, out.instance_profile_list[i]);
  out.role_policy_list = inline_details(call, r.inline_policies);
  out.attached_managed_policies = attached_details(call, r.attached);
  out.permissions_boundary = answer_boundary(call, r.boundary);
  out.tags = answer_tags(call, r.tags);
  out.role_last_used = call.make<model::RoleLastUsed>();
}
void detail(Call& call, const std::string& arn, model::ManagedPolicyDetail& out) {
  auto p = *find_policy(call.tx, call.account, arn);
  out.policy_name = call.text(p.name);
  out.policy_id = call.text(p.id);
  out.arn = call.text(p.arn);
  out.path = call.text(p.path);
  out.default_version_id = call.text(p.default_version);
  out.attachment_count = static_cast<int32_t>(count_attachments(call.tx, call.account, arn, false));
  out.permissions_boundary_usage_count =
      static_cast<int32_t>(count_attachments(call.tx, call.account, arn, true));
  out.is_attachable = true;
  if (!p.description.empty()) out.description = call.text(p.description);
  out.create_date = time_of(p.created);
  out.update_date = time_of(p.updated);
  std::vector<PolicyVersion> versions;
  if (p.aws)
    versions.push_back({p.default_version, *policy_text(call.tx, call.account, arn), p.created});
  else
    versions = find<ManagedPolicy>(call.tx, call.account, p.name)->versions;
  out.policy_version_list = call.list<model::PolicyVersion>(versions.size());
  for (size_t i = 0; i < versions.size(); ++i) {
    auto& v = out.policy_version_list[i];
    v.document = call.text(percent_encode(versions[i].document));
    v.version_id = call.text(versions[i].id);
    v.is_default_version = versions[i].id == p.default_version;
    v.create_date = time_of(versions[i].created);
  }
}

/// One thing of the account, to page over all kinds at once.
struct Thing {
  char kind;  // 'g', 'p', 'r', 'u'
  std::string id;
  std::string key() const { return std::string(1, kind) + "/" + id; }
};

template <class E, class Detail>
wire::List<Detail> details(Call& call, const std::vector<Thing>& some, char kind) {
  auto list = call.list<Detail>(
      static_cast<size_t>(std::count_if(some.begin(), some.end(), [&](auto& t) { return t.kind == kind; })));
  size_t i = 0;
  for (auto& t : some) {
    if (t.kind != kind) continue;
    if constexpr (std::is_same_v<E, std::string>)
      detail(call, t.id, list[i++]);
    else
      detail(call, *call.tx.get<E>(call.global(), t.id), list[i++]);
  }
  return list;
}

}  // namespace

Status get_account_authorization_details(Call& call, const model::GetAccountAuthorizationDetailsRequest& in,
                                         model::GetAccountAuthorizationDetailsResponse& out) {
  TRY(call.authorize("*"));
  auto wanted = [&](std::string_view kind) {
    return in.filter.empty() ||
           std::any_of(in.filter.begin(), in.filter.end(), [&](auto& f) { return f == kind; });
  };
  std::vector<Thing> all;
  if (wanted("Group"))
    for (auto& g : call.tx.list<Group>(call.global())) all.push_back({'g', g.key()});
  if (wanted("LocalManagedPolicy"))
    for (auto& p : call.tx.list<ManagedPolicy>(call.global()))
      all.push_back({'p', policy_arn(call.account, p)});
  if (wanted("AWSManagedPolicy"))
    for (auto& p : aws_managed())  // those in use, as AWS does
      if (count_attachments(call.tx, call.account, p.arn(), false)) all.push_back({'p', p.arn()});
  if (wanted("Role"))
    for (auto& r : call.tx.list<Role>(call.global())) all.push_back({'r', r.key()});
  if (wanted("User"))
    for (auto& u : call.tx.list<User>(call.global())) all.push_back({'u', u.key()});
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.key() < b.key(); });
  TRY_LET(auto some, one_page(call, in, out, std::move(all)));
  out.group_detail_list = details<Group, model::GroupDetail>(call, some, 'g');
  out.policies = details<std::string, model::ManagedPolicyDetail>(call, some, 'p');
  out.role_detail_list = details<Role, model::RoleDetail>(call, some, 'r');
  out.user_detail_list = details<User, model::UserDetail>(call, some, 'u');
  return {};
}

// ---- what does not exist here: passwords, MFA devices, keys for other protocols, identity providers

Status get_account_password_policy(Call& call, const model::GetAccountPasswordPolicyRequest&,
                                   model::GetAccountPasswordPolicyResponse&) {
  TRY(call.authorize("*"));
  return no_such_entity("The Password Policy with domain name " + call.account + " cannot be found.");
}
Status get_login_profile(Call& call, const model::GetLoginProfileRequest& in,
                         model::GetLoginProfileResponse&) {
  auto name = in.user_name.has() ? str(in.user_name) : call.principal.name;
  TRY_LET(auto u, authorized<User>(call, name));
  return no_such_entity("Login Profile for User " + u.name + " cannot be found.");
}
Status delete_login_profile(Call& call, const model::DeleteLoginProfileRequest& in,
                            model::DeleteLoginProfileResponse&) {
  auto name = in.user_name.has() ? str(in.user_name) : call.principal.name;
  TRY_LET(auto u, authorized<User>(call, name));
  return no_such_entity("Login Profile for User " + u.name + " cannot be found.");
}

namespace {
template <class In>
Status authorized_caller_or(Call& call, const In& in) {
  auto name = in.user_name.has() ? str(in.user_name) : call.principal.name;
  if (name.empty()) return call.authorize("*");
  TRY_LET(auto u, authorized<User>(call, name));
  return {};
}
}  // namespace

Status list_mfa_devices(Call& call, const model::ListMFADevicesRequest& in,
                        model::ListMFADevicesResponse& out) {
  TRY(authorized_caller_or(call, in));
  out.mfa_devices = call.list<model::MFADevice>(0);
  out.is_truncated = false;
  return {};
}
Status list_virtual_mfa_devices(Call& call, const model::ListVirtualMFADevicesRequest&,
                                model::ListVirtualMFADevicesResponse& out) {
  TRY(call.authorize("arn:aws:iam::" + call.account + ":mfa/"));
  out.virtual_mfa_devices = call.list<model::VirtualMFADevice>(0);
  out.is_truncated = false;
  return {};
}
Status list_ssh_public_keys(Call& call, const model::ListSSHPublicKeysRequest& in,
                            model::ListSSHPublicKeysResponse& out) {
  TRY(authorized_caller_or(call, in));
  out.ssh_public_keys = call.list<model::SSHPublicKeyMetadata>(0);
  out.is_truncated = false;
  return {};
}
Status list_signing_certificates(Call& call, const model::ListSigningCertificatesRequest& in,
                                 model::ListSigningCertificatesResponse& out) {
  TRY(authorized_caller_or(call, in));
  out.certificates = call.list<model::SigningCertificate>(0);
  out.is_truncated = false;
  return {};
}
Status list_service_specific_credentials(Call& call, const model::ListServiceSpecificCredentialsRequest& in,
                                         model::ListServiceSpecificCredentialsResponse& out) {
  TRY(authorized_caller_or(call, in));
  out.service_specific_credentials = call.list<model::ServiceSpecificCredentialMetadata>(0);
  out.is_truncated = false;
  return {};
}
Status list_open_id_connect_providers(Call& call, const model::ListOpenIDConnectProvidersRequest&,
                                      model::ListOpenIDConnectProvidersResponse& out) {
  TRY(call.authorize("*"));
  out.open_id_connect_provider_list = call.list<model::OpenIDConnectProviderListEntry>(0);
  return {};
}
Status list_saml_providers(Call& call, const model::ListSAMLProvidersRequest&,
                           model::ListSAMLProvidersResponse& out) {
  TRY(call.authorize("*"));
  out.saml_provider_list = call.list<model::SAMLProviderListEntry>(0);
  return {};
}

}  // namespace nubecita::iam
