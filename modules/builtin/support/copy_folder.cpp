// A folder of the controller: one list of names and sizes, one of hashes, then only what differs.
#include "modules/builtin/support/copy_plan.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/tree_list.hpp"
#include "modules/sdk/file_arguments.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

class FolderCopy {
 public:
  FolderCopy(Plan& plan, const Args& args, const SystemView& view)
      : plan_(plan),
        args_(args),
        view_(view),
        placer_(plan, args, view),
        root_(without_end_slash(args.text("dest"))) {}

  Result<void> run() {
    if (!args_.get("_tree").is_string())
      return Error(ErrorCode::content_missing, "the list of the folder's files did not arrive");
    GS_TRY(entries_, read_tree(args_.get("_tree").as_string()));
    GS_TRY_VOID(compare());
    expect_shown();
    GS_TRY_VOID(place());
    plan_.set("dest", Value(root_ + "/"));
    return add_present_path_info(plan_, view_);
  }

 private:
  /// The hash of what is at a file's destination; nothing where the file is certain to differ.
  [[nodiscard]] Result<std::string> present_hash(const TreeEntry& entry) const {
    const std::string path = join_path(root_, entry.path);
    GS_TRY(const auto info, view_.lstat(path));
    if (!info || info->kind != FileKind::regular || info->size != entry.size ||
        !view_.access(path, "r"))
      return std::string();
    return view_.hash(path, Algorithm::sha256);
  }

  /// Fills same_ and wanted_. Where all is as it should be, the list that is made here is the one
  /// that the controller has, and need not be fetched.
  Result<void> compare() {
    HashList present;
    std::uint64_t size = 0;
    for (const TreeEntry& entry : entries_) {
      if (entry.kind != TreeEntry::Kind::file) continue;
      size += entry.size;
      GS_TRY(const std::string hash, present_hash(entry));
      present.add(hash);
    }
    if (const Value& bytes = args_.get("_bytes");
        bytes.is_string() && bytes.as_string().size() != size) {
      return Error(ErrorCode::content_missing,
                   "the folder's files are " + std::to_string(size) + " bytes, " +
                       std::to_string(bytes.as_string().size()) + " arrived");
    }
    GS_TRY(const Content hashes, Content::from_value(args_.get("_hashes")));
    if (hash_bytes(Algorithm::sha256, present.bytes()) == hashes.sha256) {
      same_.assign(present.count(), true);
      wanted_ = std::move(present);
      return {};
    }
    GS_TRY(std::string bytes, view_.content(hashes));
    wanted_ = HashList(std::move(bytes));
    if (wanted_.count() != present.count())
      return Error(ErrorCode::content_missing, "the hashes of the folder's files are incomplete");
    for (std::size_t i = 0; i < present.count(); ++i) same_.push_back(present.same(i, wanted_));
    return {};
  }

  [[nodiscard]] Content content_of(const TreeEntry& entry,
                                   std::size_t number,
                                   std::uint64_t offset) const {
    Content content;
    content.sha256 = wanted_.hex(number);
    content.size = entry.size;
    content.is_inline = args_.get("_bytes").is_string();
    if (content.is_inline)
      content.bytes = args_.get("_bytes").as_string().substr(offset, entry.size);
    return content;
  }

  /// A diff needs contents one by one; told ahead, they come together.
  void expect_shown() const {
    if (!view_.diff_mode() || args_.get("_bytes").is_string()) return;
    std::vector<Content> contents;
    std::size_t number = 0;
    for (const TreeEntry& entry : entries_) {
      if (entry.kind != TreeEntry::Kind::file) continue;
      if (!same_[number] && entry.size > 0 && is_shown(entry))
        contents.push_back(content_of(entry, number, 0));
      ++number;
    }
    if (!contents.empty()) view_.expect_contents(contents);
  }

  [[nodiscard]] bool is_shown(const TreeEntry& entry) const {
    const auto now = view_.stat(join_path(root_, entry.path));
    if (!now || (*now && !args_.boolean("force", true))) return false;
    return entry.size <= kLargestShown &&
           (!*now || (*now)->kind != FileKind::regular || (*now)->size <= kLargestShown);
  }

  Result<void> place() {
    std::size_t number = 0;
    std::uint64_t offset = 0;
    for (const TreeEntry& entry : entries_) {
      const std::string path = join_path(root_, entry.path);
      if (entry.kind == TreeEntry::Kind::folder) {
        GS_TRY_VOID(placer_.folder(path, true));
        continue;
      }
      GS_TRY_VOID(placer_.folder(parent_folder(path), false));
      if (entry.kind == TreeEntry::Kind::link) {
        GS_TRY_VOID(placer_.symlink(entry.target, path));
        continue;
      }
      GS_TRY_VOID(place_file(entry, path, number, offset));
      ++number;
      offset += entry.size;
    }
    return {};
  }

  Result<void> place_file(const TreeEntry& entry,
                          const std::string& path,
                          std::size_t number,
                          std::uint64_t offset) {
    if (!args_.boolean("force", true)) {
      GS_TRY(const bool exists, path_exists(view_, path));
      if (exists) return {};
    }
    PlacedFile file{.content = Content(), .from = {}, .dest = path, .keeps_links = true};
    if (!same_[number]) file.content = content_of(entry, number, offset);
    if (!entry.mode) return placed(placer_.file(file, args_, same_[number]));
    const Args attributes = with_argument(args_, "mode", Value(mode_text(*entry.mode)));
    return placed(placer_.file(file, attributes, same_[number]));
  }

  static Result<void> placed(const Result<bool>& done) {
    return done ? Result<void>() : Result<void>(Error(done.error()));
  }

  Plan& plan_;
  const Args& args_;
  const SystemView& view_;
  Placer placer_;
  std::string root_;
  std::vector<TreeEntry> entries_;
  HashList wanted_;
  std::vector<bool> same_;  ///< for each file
};

}  // namespace

Result<Plan> plan_copy_folder(const Args& args, const SystemView& view) {
  Plan plan;
  GS_TRY_VOID(FolderCopy(plan, args, view).run());
  return plan;
}

}  // namespace gpustack::modules
