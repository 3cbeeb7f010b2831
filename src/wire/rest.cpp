#include "wire/codecs.hpp"
namespace nubecita::wire {
Status decode_rest(Protocol, const OperationShape&, const RawRequest&, Arena&, void*) { return fail("NotImplemented", "", 501); }
void encode_rest(Protocol, const ServiceShape&, const OperationShape&, const void*, RawResponse&) {}
}
