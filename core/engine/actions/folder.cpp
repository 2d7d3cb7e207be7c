// copy of a folder: what is in it, as one list for the host.
#include "core/engine/actions/local_files.hpp"
#include "core/engine/services.hpp"
#include "modules/builtin/support/tree_list.hpp"

#include <algorithm>
#include <filesystem>

namespace gpustack::engine {

namespace fs = std::filesystem;
using modules::TreeEntry;

namespace {

/// Parents before what is in them, and that before their next neighbours.
bool comes_before(const fs::directory_entry& one, const fs::directory_entry& other) {
  const auto in_order = [](char left, char right) {
    // A slash ends a name, so it comes before all that a name may hold.
    const auto rank = [](char letter) {
      return letter == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(letter)) + 1;
    };
    return rank(left) < rank(right);
  };
  const std::string& left = one.path().native();
  const std::string& right = other.path().native();
  return std::lexicographical_compare(
      left.begin(), left.end(), right.begin(), right.end(), in_order);
}

Result<std::vector<fs::directory_entry>> entries_below(const fs::path& root, bool follow) {
  const auto options =
      follow ? fs::directory_options::follow_directory_symlink : fs::directory_options::none;
  std::vector<fs::directory_entry> entries;
  std::error_code problem;
  for (auto it = fs::recursive_directory_iterator(root, options, problem);
       !problem && it != fs::recursive_directory_iterator();
       it.increment(problem)) {
    entries.push_back(*it);
  }
  if (problem)
    return Error(ErrorCode::file_unreadable,
                 "'" + root.string() + "' cannot be listed: " + problem.message());
  std::sort(entries.begin(), entries.end(), comes_before);
  return entries;
}

/// The folder as it travels.
class FolderList {
 public:
  FolderList(ActionCall& call, bool keeps_modes)
      : call_(call),
        contents_(call.play.run().contents()),
        follow_(true_unless_given(call.arguments, "local_follow")),
        decrypt_(true_unless_given(call.arguments, "decrypt")),
        keeps_modes_(keeps_modes) {}

  Result<void> read(const std::string& source) {
    // As rsync and Ansible: `dir/` means what is in it, `dir` means the folder itself.
    const bool contents_only = source.ends_with('/');
    std::string root = fs::path(source).lexically_normal().string();
    while (root.size() > 1 && root.ends_with('/')) root.pop_back();
    const std::string base = contents_only ? root : fs::path(root).parent_path().string();
    const std::size_t skipped = base.size() + (base.ends_with('/') ? 0 : 1);
    if (!contents_only) add_named_folder(root.substr(skipped));
    GS_TRY(const auto entries, entries_below(root, follow_));
    for (const fs::directory_entry& entry : entries)
      GS_TRY_VOID(add(entry, entry.path().native().substr(skipped)));
    return {};
  }

  Result<void> write(Value& arguments) {
    arguments.set("_tree", Value(modules::write_tree(entries_)));
    const std::string hashes = hashes_.bytes();
    if (size_ > ContentStore::kInlineLimit || hashes.size() > ContentStore::kInlineLimit) {
      arguments.set("_hashes", contents_.add_text(hashes).to_value());
      return {};
    }
    arguments.set("_hashes", modules::Content::of(hashes).to_value());
    std::string bytes;
    std::vector<wire::NeedContent::Wanted> files;
    for (std::size_t i = 0; i < hashes_.count(); ++i)
      files.push_back(wire::NeedContent::Wanted{hashes_.hex(i), sizes_[i]});
    ContentCursor cursor(contents_, std::move(files));
    GS_TRY(bytes, cursor.next(ContentStore::kInlineLimit));
    arguments.set("_bytes", Value(std::move(bytes)));
    return {};
  }

 private:
  void add_named_folder(std::string path) {
    TreeEntry entry;
    entry.kind = TreeEntry::Kind::folder;
    entry.path = std::move(path);
    entries_.push_back(std::move(entry));
  }

  Result<void> add(const fs::directory_entry& found, std::string path) {
    std::error_code problem;
    if (!follow_ && found.is_symlink(problem)) {
      TreeEntry entry;
      entry.kind = TreeEntry::Kind::link;
      entry.path = std::move(path);
      entry.target = fs::read_symlink(found.path(), problem).string();
      entries_.push_back(std::move(entry));
      return {};
    }
    if (found.is_directory(problem)) {
      add_named_folder(std::move(path));
      return {};
    }
    return add_file(found.path().native(), std::move(path));
  }

  Result<void> add_file(const std::string& local, std::string path) {
    GS_TRY(const KnownFile known, contents_.know_file(local));
    TreeEntry entry;
    entry.path = std::move(path);
    entry.size = known.stamp.size;
    std::string sha256 = known.sha256;
    if (decrypt_ && known.is_vault) {
      GS_TRY(auto text, read_controller_file(local, call_.play.run().state().vault));
      const modules::Content opened = contents_.keep_text(std::move(text));
      sha256 = opened.sha256;
      entry.size = opened.size;
    }
    // Without `preserve`, files of a folder take `mode` or the host's default, as in Ansible.
    if (keeps_modes_) entry.mode = known.mode;
    size_ += entry.size;
    hashes_.add(sha256);
    sizes_.push_back(entry.size);
    entries_.push_back(std::move(entry));
    return {};
  }

  ActionCall& call_;
  ContentStore& contents_;
  bool follow_;
  bool decrypt_;
  bool keeps_modes_;
  std::vector<TreeEntry> entries_;
  modules::HashList hashes_;
  std::vector<std::uint64_t> sizes_;
  std::uint64_t size_ = 0;
};

}  // namespace

Result<void> add_folder(ActionCall& call, const std::string& source, Value& arguments) {
  const bool keeps_modes = preserves_mode(arguments);
  FolderList list(call, keeps_modes);
  GS_TRY_VOID(list.read(source));
  if (keeps_modes) arguments.set("mode", Value());
  return list.write(arguments);
}

}  // namespace gpustack::engine
