// What an operation costs in AWS's units, and how ReturnConsumedCapacity shows it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "services/dynamodb/input.hpp"
#include "services/dynamodb/records.hpp"

namespace nubecita::dynamodb {

enum class Show { none, total, indexes };
Result<Show> read_show(const Input& in);

/// Halves and wholes of capacity units of one table, summed over an operation.
struct Cost {
  double table_units = 0;
  std::map<std::string, double> global, local;
  bool write = false;
  void add(const Cost& other);
  double total() const;
};

/// One read of `bytes`: 4 KiB a unit, half if eventually consistent, twice in a transaction.
double read_units(size_t bytes, bool consistent, bool transaction = false);
double write_units(size_t bytes);  // 1 KiB a unit, at least one

class WriteCost {
 public:
  explicit WriteCost(Cost& cost, int factor = 1) : cost_(cost), factor_(factor) { cost_.write = true; }
  void table(size_t bytes) { cost_.table_units += factor_ * write_units(bytes); }
  void index(const Index& index, size_t erased, size_t put) {
    auto& units = (index.global ? cost_.global : cost_.local)[index.name];
    units += factor_ * ((erased ? write_units(erased) : 0) + (put ? write_units(put) : 0));
  }

 private:
  Cost& cost_;
  int factor_;
};

/// {"TableName": ..., "CapacityUnits": ...}
void write_cost(std::string& json, std::string_view table, const Cost& cost, Show show,
                bool read_write = false);

}  // namespace nubecita::dynamodb
