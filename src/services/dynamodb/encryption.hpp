// Encryption at rest of tables that have a KMS key. A table has one data key for its whole life, and
// everything of it is sealed under that: items, index entries, stream records, backups; not the keys of the
// store, which order them. What KMS seals is the data key alone, so another KMS key is one small change.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html
// The caller's transaction.
#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/records.hpp"
#include "services/dynamodb/sealed.hpp"
#include "services/dynamodb/tables.hpp"
#include "services/kms/kms.hpp"

namespace nubecita::dynamodb {

/// Lets the table's items be read and written: of a table with a KMS key the caller needs kms:Decrypt, each
/// time. Errors: AccessDeniedException, InaccessibleEncryptionCredentialsException (the key is disabled,
/// deleted or about to be).
Status open_table(api::Call& call, const TableInfo& table);
/// The same for our own work behind the answers; only the key's state matters.
Status open_table(api::Cloud& cloud, store::Transaction& tx, const TableInfo& table);
/// The data key that opens a stream's records; empty: they are not sealed. Errors as above.
Result<std::string> open_stream_key(api::Call& call, const Stream& stream);

/// What CreateTable, UpdateTable or a restore asks for. `table` has the name that it shall have; `data_key`:
/// empty if nothing of it is sealed yet. Who gives a table a key needs kms:DescribeKey and kms:CreateGrant.
/// Errors: ValidationException, and those of above.
Status change_encryption(api::Call& call, const model::SSESpecification& asked, Table& table,
                         std::string_view data_key);
/// The data key of a table (or of a backup's) for the caller, who needs kms:Decrypt; empty: it has none.
Result<std::string> data_key_of(api::Call& call, const Table& table);
/// Seals the data key for the table's present name, under its KMS key or the installation's.
Status wrap_data_key(api::Call& call, Table& table, std::string_view data_key);

/// null: the table is under no KMS key. `accessible`: set to whether the key can be used.
model::SSEDescription* describe_encryption(api::Call& call, const Table& table, bool& accessible);

}  // namespace nubecita::dynamodb
