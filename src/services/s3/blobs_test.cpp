#include "services/s3/blobs.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/s3/records.hpp"

namespace nubecita::s3 {
namespace {
namespace fs = std::filesystem;

class BlobsTest : public testing::Test {
 protected:
  BlobsTest() {
    std::string pattern = (fs::temp_directory_path() / "nbc-blobs-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    store_ = std::move(*store::Store::open(directory_ + "/store", {.sync = false}));
    blobs_ = std::make_unique<Blobs>(directory_);
  }
  ~BlobsTest() override {
    blobs_.reset();
    store_.reset();
    fs::remove_all(directory_);
  }

  std::vector<Piece> put(std::string_view bytes, bool encrypt = false) {
    Blobs::Writer w(*blobs_, encrypt);
    for (auto rest = bytes; !rest.empty();) {  // in uneven parts, as they come from a socket
      const auto part = rest.substr(0, 50'001);
      EXPECT_TRUE(w.write(part));
      rest.remove_prefix(part.size());
    }
    EXPECT_TRUE(w.finish());
    EXPECT_TRUE(w.sync());
    std::vector<Piece> pieces;
    EXPECT_TRUE(store_->transact([&](store::Transaction& tx) -> Status {
      pieces = {w.put(tx)};
      return {};
    }));
    w.taken();
    return pieces;
  }
  /// What can be read; "broken" if it ends before its end.
  std::string get(const std::vector<Piece>& pieces) {
    auto tx = store_->begin();
    Blobs::Reader r(*blobs_, *tx, pieces);
    if (!r.good()) return "gone";
    int64_t size = 0;
    for (auto& p : pieces) size += p.size;
    std::string all, part;
    while (static_cast<int64_t>(all.size()) < size) {
      if (!r.next(part)) return "broken";
      all += part;
    }
    return all;
  }
  /// The same as a plain connection gets it: `by_pages` counts what did not pass through the process.
  std::string get_plain(const std::vector<Piece>& pieces, size_t& by_pages) {
    auto tx = store_->begin();
    Blobs::Reader r(*blobs_, *tx, pieces);
    size_t size = 0;
    for (auto& p : pieces) size += static_cast<size_t>(p.size);
    if (!r.good() || !r.begin(true)) return "broken";
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    std::string all;
    std::vector<char> some(1 << 20);
    for (std::string part; all.size() < size;) {
      if (!r.next(part)) {
        all = "broken";
        break;
      }
      auto* pages = r.pages();
      if (!pages || !pages->held()) {
        all += part;
        continue;
      }
      EXPECT_TRUE(part.empty());
      for (by_pages += pages->held(); pages->held() > 0;) {
        EXPECT_GE(pages->give(ends[0], true), 0);
        for (ssize_t n; (n = ::recv(ends[1], some.data(), some.size(), MSG_DONTWAIT)) > 0;)
          all.append(some.data(), static_cast<size_t>(n));
      }
    }
    ::close(ends[0]);
    ::close(ends[1]);
    return all;
  }
  size_t files() const {
    size_t n = 0;
    if (fs::exists(directory_ + "/s3"))
      for (auto& e : fs::recursive_directory_iterator(directory_ + "/s3")) n += e.is_regular_file();
    return n;
  }
  std::vector<std::string> release(const std::vector<Piece>& pieces) {
    std::vector<std::string> doomed;
    EXPECT_TRUE(store_->transact([&](store::Transaction& tx) -> Status {
      doomed.clear();
      Blobs::release(tx, pieces, doomed);
      return {};
    }));
    blobs_->remove(doomed);
    return doomed;
  }

  std::string directory_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Blobs> blobs_;
};

TEST_F(BlobsTest, ComeBackAsTheyWere) {
  for (size_t size : {1u, 1024u, 1025u, 4096u, 65'535u, 65'536u, 65'537u, 131'072u, 1'000'000u})
    for (bool encrypt : {false, true}) {
      const auto bytes = random_bytes(size);
      const auto pieces = put(bytes, encrypt);
      EXPECT_EQ(pieces[0].in_record(), size <= 1024u);
      EXPECT_EQ(pieces[0].inside, size <= 65'536u);
      EXPECT_EQ(get(pieces), bytes) << size << (encrypt ? " encrypted" : "");
    }
}

TEST_F(BlobsTest, AnyPartCanBeRead) {
  const auto bytes = random_bytes(400'000);
  for (bool encrypt : {false, true}) {
    auto pieces = put(bytes, encrypt);
    const auto more = put("tail", encrypt);
    pieces.push_back(more[0]);
    const auto all = bytes + "tail";
    for (auto [at, n] : {std::pair<size_t, size_t>{0, 1},
                         {65'535, 2},
                         {65'536, 65'536},
                         {100'001, 250'000},
                         {399'999, 5},
                         {400'003, 1}})
      EXPECT_EQ(get(slice(pieces, static_cast<int64_t>(at), static_cast<int64_t>(n))), all.substr(at, n))
          << at;
  }
}

TEST_F(BlobsTest, PagesOfFilesGoOutAsTheyAre) {
  const auto bytes = random_bytes(700'000);
  auto pieces = put(bytes);
  const auto tail = put("tail"), sealed = put(bytes, true);
  pieces.insert(pieces.end(), {tail[0], sealed[0], pieces[0]});
  const auto all = bytes + "tail" + bytes + bytes;
  size_t by_pages = 0;
  EXPECT_EQ(get_plain(pieces, by_pages), all);
  EXPECT_GT(by_pages, 2 * (bytes.size() - 65'536));
  EXPECT_LE(by_pages, 2 * bytes.size());
  for (auto [at, n] : {std::pair<size_t, size_t>{1, 699'998},
                       {65'535, 65'537},
                       {300'000, 65'536},
                       {699'999, 6},
                       {5'000, 1'500'000}})
    EXPECT_EQ(get_plain(slice(pieces, static_cast<int64_t>(at), static_cast<int64_t>(n)), by_pages),
              all.substr(at, n))
        << at;
}

TEST_F(BlobsTest, DamagedPagesDoNotGoOut) {
  const auto pieces = put(random_bytes(700'000));
  const auto path = blobs_->path(pieces[0].id);
  size_t by_pages = 0;
  {
    const int fd = ::open(path.c_str(), O_WRONLY);
    EXPECT_EQ(::pwrite(fd, "????", 4, 600'000), 4);
    ::close(fd);
  }
  EXPECT_EQ(get_plain(pieces, by_pages), "broken");
  EXPECT_LT(by_pages, 600'000u);
  by_pages = 0;
  EXPECT_NE(get_plain(slice(pieces, 0, 500'000), by_pages), "broken");
  EXPECT_EQ(get_plain(slice(pieces, 600'100, 70'000), by_pages), "broken");  // the same chunk
  EXPECT_EQ(::truncate(path.c_str(), 100'000), 0);
  EXPECT_EQ(get_plain(slice(pieces, 0, 500'000), by_pages), "broken");
}

/// Files are as old as they have to be for their pages to be held.
class CheckedPagesTest : public BlobsTest {
 protected:
  CheckedPagesTest() { set_test_clock(now_ms() + 60'000); }
  ~CheckedPagesTest() override { set_test_clock(-1); }
  void change(const std::vector<Piece>& pieces, std::string_view bytes, off_t at) {
    const int fd = ::open(blobs_->path(pieces[0].id).c_str(), O_WRONLY);
    EXPECT_EQ(::pwrite(fd, bytes.data(), bytes.size(), at), static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }
  std::string get_plain(const std::vector<Piece>& pieces) { return BlobsTest::get_plain(pieces, ignored_); }
  size_t held() const { return blobs_->checked.held_bytes(); }
  size_t ignored_ = 0;
};

TEST_F(CheckedPagesTest, WhatIsReadTwiceIsHeldAndComesBackAsItWas) {
  const auto bytes = random_bytes(2'500'000);
  const auto pieces = put(bytes);
  EXPECT_EQ(get_plain(pieces), bytes);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(get_plain(pieces), bytes);
  EXPECT_EQ(held(), bytes.size());
  EXPECT_EQ(get_plain(pieces), bytes);
  for (auto [at, n] : {std::pair<size_t, size_t>{1, 2'499'998},
                       {1'048'575, 65'537},
                       {1'048'577, 1'048'575},
                       {2'400'000, 100'000}})
    EXPECT_EQ(get_plain(slice(pieces, static_cast<int64_t>(at), static_cast<int64_t>(n))),
              bytes.substr(at, n))
        << at;
  EXPECT_EQ(get(pieces), bytes);
  blobs_->checked.let_go(std::chrono::hours(1));
  EXPECT_EQ(held(), bytes.size());
  blobs_->checked.let_go({});
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(get_plain(pieces), bytes);
}

TEST_F(CheckedPagesTest, PartsOfWindowsAreNotHeld) {
  const auto bytes = random_bytes(2'500'000);
  const auto pieces = put(bytes);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(get_plain(slice(pieces, 1'000'000, 1'200'000)), bytes.substr(1'000'000, 1'200'000));
  EXPECT_EQ(held(), static_cast<size_t>(CheckedPages::kWindow));  // the second; ends of two others were read
}

TEST_F(CheckedPagesTest, WhatChangesAfterTheCheckIsNoticed) {
  const auto bytes = random_bytes(2'500'000);
  const auto pieces = put(bytes);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get_plain(pieces), bytes);
  change(pieces, "????", 1'600'000);
  EXPECT_EQ(get_plain(pieces), "broken");
  EXPECT_EQ(get_plain(pieces), "broken");
  EXPECT_LT(held(), bytes.size());
  change(pieces, bytes.substr(1'600'000, 4), 1'600'000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get_plain(pieces), bytes);
  EXPECT_EQ(held(), bytes.size());
  EXPECT_EQ(::truncate(blobs_->path(pieces[0].id).c_str(), 1'100'000), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get_plain(pieces), "broken");
}

TEST_F(CheckedPagesTest, WhatWasNeverRightIsNotHeld) {
  const auto pieces = put(random_bytes(700'000));
  change(pieces, "????", 650'000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get_plain(pieces), "broken");
  EXPECT_EQ(held(), 0u);
}

TEST_F(CheckedPagesTest, AFileThatHasJustBeenWrittenIsNotHeld) {
  set_test_clock(-1);
  set_test_clock(now_ms());  // it stays so, however long this takes
  const auto bytes = random_bytes(700'000);
  const auto pieces = put(bytes);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get_plain(pieces), bytes);
  EXPECT_EQ(held(), 0u);
}

TEST_F(CheckedPagesTest, DeletedFilesAreLetGo) {
  const auto bytes = random_bytes(700'000);
  const auto pieces = put(bytes);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get_plain(pieces), bytes);
  EXPECT_EQ(held(), bytes.size());
  auto tx = store_->begin();
  auto reader = std::make_unique<Blobs::Reader>(*blobs_, *tx, pieces);
  ASSERT_TRUE(reader->begin(true));
  release(pieces);
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(held(), bytes.size());
  reader.reset();
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(held(), 0u);
}

TEST_F(CheckedPagesTest, NoMoreIsHeldThanIsAllowed) {
  const auto bytes = random_bytes(700'000);
  const auto one = put(bytes), other = put(bytes);
  CheckedPages checked(1'000'000);
  auto hold = [&](const std::vector<Piece>& p, bool right = true) {
    const int fd = ::open(blobs_->path(p[0].id).c_str(), O_RDONLY);
    const auto held = checked.hold(p[0].id, 0, bytes.size(), fd, [&] { return right; });
    EXPECT_EQ(held != nullptr, checked.find(p[0].id, 0, fd) != nullptr);
    ::close(fd);
    return held;
  };
  EXPECT_FALSE(hold(one));
  EXPECT_FALSE(hold(other));
  EXPECT_FALSE(hold(one, false));
  EXPECT_EQ(checked.held_bytes(), 0u);
  const auto held = hold(one);
  EXPECT_TRUE(held);
  EXPECT_FALSE(hold(other));
  EXPECT_EQ(checked.held_bytes(), bytes.size());
  checked.forget(one[0].id);
  EXPECT_TRUE(hold(other));
}

TEST_F(CheckedPagesTest, WhereLockingIsNotAllowedEveryReadChecks) {
  const auto pieces = put(random_bytes(700'000));
  const int fd = ::open(blobs_->path(pieces[0].id).c_str(), O_RDONLY);
  const auto child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_MEMLOCK, &none);
    if (::geteuid() == 0 && ::setuid(65'534) != 0) ::_exit(2);  // CAP_IPC_LOCK goes with it
    CheckedPages checked(1 << 20);
    for (int i = 0; i < 3; ++i)
      if (checked.hold("x", 0, 700'000, fd, [] { return true; }) || checked.held_bytes() != 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(fd);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(BlobsTest, WhatIsEncryptedIsNotOnTheDisk) {
  const std::string text(200'000, 'x');
  const auto pieces = put(text, true);
  const int fd = ::open(blobs_->path(pieces[0].id).c_str(), O_RDONLY);
  std::string found(text.size(), '\0');
  EXPECT_EQ(::pread(fd, found.data(), found.size(), 0), static_cast<ssize_t>(found.size()));
  ::close(fd);
  EXPECT_EQ(found.find("xxxx"), std::string::npos);
  EXPECT_EQ(fs::status(directory_ + "/s3.key").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BlobsTest, AFlippedBitIsNoticed) {
  const auto pieces = put(random_bytes(300'000));
  const auto path = blobs_->path(pieces[0].id);
  for (off_t at : {0, 65'536, 299'999, 300'001}) {  // the last: of a check
    const int fd = ::open(path.c_str(), O_RDWR);
    char c = 0;
    ASSERT_EQ(::pread(fd, &c, 1, at), 1);
    c = static_cast<char>(c ^ 4);
    ASSERT_EQ(::pwrite(fd, &c, 1, at), 1);
    EXPECT_EQ(get(pieces), "broken") << at;
    c = static_cast<char>(c ^ 4);
    ASSERT_EQ(::pwrite(fd, &c, 1, at), 1);
    ::close(fd);
  }
  EXPECT_NE(get(pieces), "broken");
}

TEST_F(BlobsTest, TheSmallestNeedNothingButTheirRecord) {
  for (bool encrypt : {false, true}) {
    const std::string text(1000, 'x');
    const auto written = put(text, encrypt);
    EXPECT_EQ(written[0].blob.value.find("xxxx") == std::string::npos, encrypt);
    const auto pieces = store::decode_record<Manifest>(store::encode_record(Manifest{written, {}})).pieces;
    const auto mixed = random_bytes(1000);
    EXPECT_EQ(get(slice(put(mixed, encrypt), 10, 20)), mixed.substr(10, 20));
    EXPECT_TRUE(release(written).empty());
    EXPECT_EQ(get(pieces), text);  // another record's are its own
    for (size_t at : {0u, 999u, 1001u}) {
      auto damaged = pieces;
      damaged[0].blob.value[at] ^= 4;
      EXPECT_EQ(get(damaged), "broken") << at;
    }
    auto short_of = pieces;
    short_of[0].blob.value.pop_back();
    EXPECT_EQ(get(short_of), "broken");
  }
}

TEST_F(BlobsTest, ATruncatedFileIsNoticed) {
  const auto pieces = put(random_bytes(300'000));
  ASSERT_EQ(::truncate(blobs_->path(pieces[0].id).c_str(), 299'000), 0);
  EXPECT_EQ(get(pieces), "broken");
}

TEST_F(BlobsTest, CopiesShareBytes) {
  for (size_t size : {2000u, 200'000u}) {
    const auto bytes = random_bytes(size);
    const auto pieces = put(bytes);
    ASSERT_TRUE(store_->transact([&](store::Transaction& tx) -> Status {
      Blobs::need(tx, pieces);
      return {};
    }));
    release(pieces);
    EXPECT_EQ(get(pieces), bytes);
    release(pieces);
    EXPECT_EQ(get(pieces), "gone");
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(BlobsTest, AReaderKeepsAFileUntilItIsDone) {
  const auto bytes = random_bytes(400'000);
  const auto pieces = put(bytes);
  auto tx = store_->begin();
  auto reader = std::make_unique<Blobs::Reader>(*blobs_, *tx, pieces);
  std::string part;
  ASSERT_TRUE(reader->next(part));
  release(pieces);
  EXPECT_EQ(files(), 1u);
  std::string all = part;
  while (all.size() < bytes.size() && reader->next(part)) all += part;
  EXPECT_EQ(all, bytes);
  reader.reset();
  EXPECT_EQ(files(), 0u);
}

TEST_F(BlobsTest, WhatWasReadAheadComesFirst) {
  for (size_t size : {1u, 70'000u, 400'000u}) {
    const auto bytes = random_bytes(size);
    const auto pieces = put(bytes);
    auto tx = store_->begin();
    Blobs::Reader reader(*blobs_, *tx, pieces);
    ASSERT_TRUE(reader.begin());
    std::string all, part;
    while (reader.next(part)) all += part;
    EXPECT_EQ(all, bytes) << size;
  }
}

TEST_F(BlobsTest, ReadingAheadNoticesDamage) {
  const auto pieces = put(random_bytes(400'000));
  ASSERT_EQ(::truncate(blobs_->path(pieces[0].id).c_str(), 100), 0);
  auto tx = store_->begin();
  Blobs::Reader reader(*blobs_, *tx, pieces);
  EXPECT_TRUE(reader.good());
  EXPECT_FALSE(reader.begin());
}

TEST_F(BlobsTest, AnUnfinishedWriterLeavesNothing) {
  {
    Blobs::Writer w(*blobs_, false);
    ASSERT_TRUE(w.write(random_bytes(200'000)));
    EXPECT_EQ(files(), 1u);
  }
  EXPECT_EQ(files(), 0u);
}

// A process that dies between the file and the commit leaves an orphan; the sweep takes that and nothing
// else.
TEST_F(BlobsTest, OrphansOfADeadProcessAreSwept) {
  const auto bytes = random_bytes(200'000);
  const auto kept = put(bytes);
  const auto child = fork();
  if (child == 0) {
    Blobs::Writer w(*blobs_, false);
    if (!w.write(bytes) || !w.finish() || !w.sync()) ::_exit(1);
    ::_exit(0);  // neither destructor nor commit
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(files(), 2u);
  Blobs::Writer running(*blobs_, false);
  ASSERT_TRUE(running.write(bytes));
  EXPECT_EQ(files(), 3u);
  EXPECT_EQ(blobs_->sweep(*store_), 1u);
  EXPECT_EQ(files(), 2u);
  EXPECT_EQ(get(kept), bytes);
}

}  // namespace
}  // namespace nubecita::s3
