#include "core/transport/gzip.hpp"

#include <zlib.h>

namespace gpustack::transport {

namespace {

constexpr int kLevel = 1;  // of a runner: a tenth larger than at 9, in a tenth of the time
constexpr int kGzipHeader =
    16;  // added to the window's bits: a gzip file in place of zlib's format

}  // namespace

Result<std::string> gzip(std::string_view bytes) {
  z_stream stream{};
  const auto failed = [] {
    return Error(ErrorCode::runner_unusable, "the runner cannot be packed: out of memory");
  };
  if (deflateInit2(&stream,
                   kLevel,
                   Z_DEFLATED,
                   MAX_WBITS + kGzipHeader,
                   MAX_MEM_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return failed();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  // zlib only reads what it is given.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return failed();
  return out;
}

}  // namespace gpustack::transport
