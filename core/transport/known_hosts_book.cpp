#include "core/transport/known_hosts_book.hpp"

#include "core/transport/file_io.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <utility>

namespace gpustack::transport {

namespace {

constexpr std::size_t kLargestFile = 64U << 20U;

/// Changes whenever one of the files does.
std::string stamp_of(const std::vector<std::string>& files) {
  std::string stamp;
  for (const std::string& file : files) {
    struct stat status = {};
    const bool exists = ::stat(file.c_str(), &status) == 0;
    stamp += fmt::format("{}:{}:{}:{}.{};",
                         exists,
                         status.st_ino,
                         status.st_size,
                         status.st_mtim.tv_sec,
                         status.st_mtim.tv_nsec);
  }
  return stamp;
}

}  // namespace

std::shared_ptr<const KnownHosts> KnownHostsBook::read(const std::vector<std::string>& files) {
  std::string name;
  for (const std::string& file : files) name += file + '\n';
  Cached& cached = cache_[name];
  std::string stamp = stamp_of(files);
  if (cached.content != nullptr && cached.stamp == stamp) return cached.content;
  auto content = std::make_shared<KnownHosts>();
  for (const std::string& file : files) {
    const Result<std::string> text = read_file(file, kLargestFile);
    if (text) content->add_text(file, *text);
  }
  cached.stamp = std::move(stamp);
  cached.content = content;
  return content;
}

Async<void> KnownHostsBook::add(std::string file, NewHostKey line) {
  Pending& pending = pending_[file];
  pending.lines.push_back(std::move(line));
  const std::size_t number = ++pending.asked;
  while (pending.done < number) {
    if (pending.is_writing) {
      GS_CO_TRY_VOID(co_await written_.wait());
      continue;
    }
    pending.is_writing = true;
    const std::size_t first = pending.done + 1;
    const std::size_t last = pending.asked;
    auto call = [file, lines = std::exchange(pending.lines, {})] {
      return append_known_hosts(file, lines);
    };
    auto work = async::on_pool(pool_, std::move(call));
    const Result<void> done = co_await std::move(work);
    pending.is_writing = false;
    pending.done = last;
    if (!done) pending.failures.insert_or_assign(last, Failure{first, done.error()});
    written_.notify_all();
  }
  const auto failure = pending.failures.lower_bound(number);
  if (failure != pending.failures.end() && failure->second.first <= number)
    co_return failure->second.error;
  co_return Result<void>();
}

}  // namespace gpustack::transport
