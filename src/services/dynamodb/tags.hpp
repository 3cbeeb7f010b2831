// Tags of tables.
#pragma once

#include "models/dynamodb.hpp"
#include "services/dynamodb/records.hpp"

namespace nubecita::dynamodb {
Status add_tags(Table& table, const wire::List<model::Tag>& tags);
}
