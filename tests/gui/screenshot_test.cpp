// Pictures of the whole window, light and dark, at one and two pixels a point: for the documents, and checked for what
// a person would miss first (an empty view, text that is not readable).
#include <QApplication>
#include <QDir>
#include <QPainter>
#include <QtTest>

#include "inspector/app/main_window.h"
#include "inspector/models/selection.h"
#include "inspector/views/common/view_dock.h"
#include "tests/gui/fake_source.h"

using namespace orrery::inspector;
using orrery::inspector::test::FakeSource;

class ScreenshotTest : public QObject {
    Q_OBJECT

    // As a file that has the name of the test's row.
    static void save(MainWindow& window, int scale)
    {
        QPixmap picture(window.size() * scale);
        picture.setDevicePixelRatio(scale);
        window.render(&picture);
        const auto folder = qEnvironmentVariable("ORRERY_SCREENSHOT_DIR", QStringLiteral("screenshots"));
        QVERIFY(QDir().mkpath(folder));
        QVERIFY(picture.save(QStringLiteral("%1/%2.png").arg(folder, QString::fromLatin1(QTest::currentDataTag()))));
    }

private Q_SLOTS:
    void pictures_data()
    {
        QTest::addColumn<bool>("dark");
        QTest::addColumn<int>("scale");
        QTest::newRow("light-1x") << false << 1;
        QTest::newRow("light-2x") << false << 2;
        QTest::newRow("dark-1x") << true << 1;
        QTest::newRow("dark-2x") << true << 2;
    }

    void pictures()
    {
        QFETCH(bool, dark);
        QFETCH(int, scale);
        FakeSource source;
        source.answer_code(orrery::inspector::test::sample_code());
        MainWindow window(&source, false);
        window.use_theme(dark ? Theme::dark : Theme::light);
        window.resize(1280, 800);
        window.show();
        window.reset_layout();
        source.become(RunState::running);
        auto snapshot = orrery::inspector::test::sample_snapshot();
        source.show(snapshot);
        window.selection()->select_thread(4);
        QApplication::processEvents();
        auto& ping = snapshot.threads[1];
        ping.signals.pending |= orrery::abi::signal_mask64(12);
        snapshot.freshness = Freshness::stopped;
        snapshot.rings[0].producer.index += 1;
        source.print("init: 2 programs started\nping: ready\npong: ready\n");
        source.stop_at(orrery::inspector::test::sample_stop());
        source.show(snapshot);
        source.stop_at(orrery::inspector::test::sample_stop());
        window.selection()->select_signal(14);
        QApplication::processEvents();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        QApplication::processEvents();

        save(window, scale);
    }

    // Views that stand behind others at first, each called up in front.
    void single_views_data()
    {
        QTest::addColumn<QString>("view");
        QTest::addColumn<bool>("dark");
        QTest::addColumn<int>("scale");
        for (const auto* view : { "waits", "address_space", "schemes" })
            for (const bool dark : { false, true })
                for (const int scale : { 1, 2 })
                    QTest::addRow("%s-%s%s", view, dark ? "dark" : "light", scale == 1 ? "" : "-2x") << QString::fromLatin1(view) << dark << scale;
    }

    void single_views()
    {
        QFETCH(QString, view);
        QFETCH(bool, dark);
        QFETCH(int, scale);
        FakeSource source;
        MainWindow window(&source, false);
        window.use_theme(dark ? Theme::dark : Theme::light);
        window.resize(1280, 800);
        window.show();
        window.reset_layout();
        auto snapshot = orrery::inspector::test::sample_deadlock();
        snapshot.freshness = Freshness::stopped;
        source.become(RunState::running);
        source.show(snapshot);
        source.become(RunState::stopped);
        window.selection()->select_thread(4);
        window.selection()->select_address(0x403010);
        window.dock(view)->call_up();
        source.show(snapshot);
        QApplication::processEvents();
        save(window, scale);
    }
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    ScreenshotTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "screenshot_test.moc"
