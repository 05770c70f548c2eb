// The lesson view: every kind of step with a scripted lesson, then lesson 1 itself on a real guest, passed and refused.
#include <QListWidget>
#include <QPushButton>
#include <QRadioButton>
#include <QLineEdit>
#include <QTemporaryDir>
#include <QtTest>

#include "inspector/app/live_lesson.h"
#include "inspector/app/live_source.h"
#include "inspector/app/main_window.h"
#include "inspector/app/status_line.h"
#include "inspector/views/common/view_dock.h"
#include "inspector/views/lesson/lesson_view.h"
#include "tests/gui/fake_source.h"

using namespace orrery::inspector;
namespace test = orrery::inspector::test;

namespace {

constexpr int patience = 240'000; // milliseconds: a hang guard for busy machines

class FakeLesson : public LessonSource {
    Q_OBJECT
public:
    void order(const LessonOrder& order) override { orders.push_back(order); }
    void show(const LessonPicture& picture) { publish(picture); }
    std::vector<LessonOrder> orders;
};

LessonPicture some_lesson()
{
    LessonPicture picture;
    picture.open = true;
    picture.title = QStringLiteral("Anatomy of a signal");
    picture.folder = QStringLiteral("/home/student/orrery/01");
    picture.steps = { { QStringLiteral("Read"), LessonStepLine::State::passed, {}, 0, 0 },
        { QStringLiteral("Predict"), LessonStepLine::State::current, {}, 0, 1 },
        { QStringLiteral("Check"), LessonStepLine::State::ahead, {}, 0, 2 } };
    picture.position = 1;
    picture.text = QStringLiteral("## Two words\n\nThe *low* half is `pending`.");
    picture.possible = 3;
    return picture;
}

} // namespace

class LessonTest : public QObject {
    Q_OBJECT

    struct Stage {
        test::FakeSource source;
        FakeLesson lesson;
        MainWindow window { &source, false, &lesson };
        LessonView* view;

        Stage()
        {
            window.resize(1280, 800);
            window.show();
            window.lesson_layout();
            QApplication::processEvents();
            view = qobject_cast<LessonView*>(window.dock(QStringLiteral("lesson"))->view());
        }
    };

private Q_SLOTS:
    void without_a_lesson_it_says_how_to_open_one()
    {
        Stage stage;
        QVERIFY(stage.view->empty_sentence().contains(QStringLiteral("Ctrl+O")));
        LessonPicture broken;
        broken.problem = QStringLiteral("lesson.json: line 3: \"kind\" is missing.");
        stage.lesson.show(broken);
        QCOMPARE(stage.view->empty_sentence(), broken.problem);
    }

    void reading_goes_on_with_next()
    {
        Stage stage;
        auto picture = some_lesson();
        picture.need = LessonPicture::Need::reading;
        stage.lesson.show(picture);
        QVERIFY(stage.view->as_text().contains(QStringLiteral("The low half is pending."))); // Markdown, rendered
        QVERIFY(stage.view->steps()->item(0)->text().startsWith(QChar(0x2713)));
        QVERIFY(stage.view->steps()->item(1)->text().startsWith(QChar(0x25b6)));
        stage.view->action_button()->click();
        QVERIFY(stage.lesson.orders.back().kind == LessonOrder::Kind::advance);
    }

    void a_prediction_is_answered_by_choice_or_by_hand()
    {
        Stage stage;
        auto picture = some_lesson();
        picture.need = LessonPicture::Need::answer;
        picture.question = QStringLiteral("Which phase comes next?");
        picture.choices = { QStringLiteral("signal.handled"), QStringLiteral("signal.noticed") };
        stage.lesson.show(picture);
        const auto buttons = stage.view->findChildren<QRadioButton*>();
        QCOMPARE(buttons.size(), 2);
        QVERIFY(!stage.view->answer_field()->isVisible());
        buttons[1]->click();
        stage.view->action_button()->click();
        QCOMPARE(stage.lesson.orders.back().text, QStringLiteral("signal.noticed"));
        picture.choices.clear();
        stage.lesson.show(picture);
        QVERIFY(stage.view->findChildren<QRadioButton*>().isEmpty());
        QTest::keyClicks(stage.view->answer_field(), QStringLiteral("42"));
        QTest::keyClick(stage.view->answer_field(), Qt::Key_Return);
        QCOMPARE(stage.lesson.orders.back().text, QStringLiteral("42"));
    }

    void a_refused_check_says_why_and_offers_a_hint()
    {
        Stage stage;
        auto picture = some_lesson();
        picture.need = LessonPicture::Need::look;
        stage.lesson.show(picture);
        QVERIFY(!stage.view->hint_button()->isVisible());
        stage.view->action_button()->click();
        QVERIFY(stage.lesson.orders.back().kind == LessonOrder::Kind::look);
        picture.verdict = QStringLiteral("refused: count_signal is not the handler of SIGUSR1");
        picture.can_advance = true;
        stage.lesson.show(picture);
        QVERIFY(stage.view->verdict().startsWith(QChar(0x2717)));
        QVERIFY(stage.view->hint_button()->isVisible());
        stage.view->hint_button()->click();
        QVERIFY(stage.lesson.orders.back().kind == LessonOrder::Kind::hint);
        picture.hints = { QStringLiteral("Call sigaction.") };
        stage.lesson.show(picture);
        QVERIFY(stage.view->verdict().contains(QStringLiteral("Hint: Call sigaction.")));
        picture.busy = true;
        stage.lesson.show(picture);
        QVERIFY(!stage.view->action_button()->isEnabled());
    }

    void lesson_one_on_a_real_guest_data()
    {
        QTest::addColumn<QString>("variant");
        QTest::addColumn<bool>("passes");
        QTest::newRow("solution") << "solution" << true;
        QTest::newRow("starter") << "starter" << false;
    }

    void lesson_one_on_a_real_guest()
    {
        QFETCH(QString, variant);
        QFETCH(bool, passes);
        const QString lesson_folder = QStringLiteral(ORRERY_SOURCE_DIR "/lessons/01-anatomy-of-a-signal");
        QTemporaryDir work;
        qputenv("ORRERY_LESSON_WORK", work.path().toLocal8Bit());
        QVERIFY(QDir().mkpath(work.filePath(QStringLiteral("01-anatomy-of-a-signal"))));
        QVERIFY(QFile::copy(lesson_folder + "/" + variant + "/program.c", work.filePath(QStringLiteral("01-anatomy-of-a-signal/program.c"))));

        const auto chosen = qEnvironmentVariable("ORRERY_OS_BUILD_DIR");
        const std::filesystem::path built = chosen.isEmpty() ? ORRERY_OS_BUILD_DIR : chosen.toStdString();
        MachineOptions options;
        options.kernel = options.launch.kernel = built / "kernel.elf";
        options.launch.initrd = built / "initrd.tar";
        options.programs = built / "programs";
        LiveSource source(options);
        LiveLesson lesson(&source);
        MainWindow window(&source, false, &lesson);
        window.resize(1280, 800);
        window.show();
        window.lesson_layout();
        int news = 0;
        connect(&lesson, &LessonSource::changed, &window, [&] { ++news; });
        lesson.order({ LessonOrder::Kind::open, lesson_folder });
        QVERIFY(QTest::qWaitFor([&] { return news > 0; }, patience));
        QVERIFY2(lesson.latest().open, qPrintable(lesson.latest().problem));

        int refused = 0;
        for (int turn = 0; turn < 200 && lesson.latest().need != LessonPicture::Need::nothing; ++turn) {
            const auto now = lesson.latest();
            const auto before = news;
            LessonOrder order;
            switch (now.need) {
            case LessonPicture::Need::reading: order.kind = LessonOrder::Kind::advance; break;
            case LessonPicture::Need::answer:
                order = { LessonOrder::Kind::answer, now.choices.isEmpty() ? QStringLiteral("1") : now.choices[0] };
                break;
            case LessonPicture::Need::movement: order.kind = LessonOrder::Kind::move; break;
            case LessonPicture::Need::look:
                if (now.can_advance) ++refused;
                order.kind = now.can_advance ? LessonOrder::Kind::advance : LessonOrder::Kind::look;
                break;
            case LessonPicture::Need::nothing: break;
            }
            lesson.order(order);
            QVERIFY2(QTest::qWaitFor([&] { return news > before && !lesson.latest().busy; }, patience), qPrintable(window.status_line()->sentence()));
            QVERIFY2(lesson.latest().problem.isEmpty(), qPrintable(lesson.latest().problem));
            if (!passes && refused > 0) return; // refused, with a sentence: enough
        }
        QVERIFY(lesson.latest().need == LessonPicture::Need::nothing);
        QVERIFY2(passes && refused == 0, qPrintable(QStringLiteral("%1 checks were refused").arg(refused)));
        QVERIFY(lesson.latest().points > 0);
    }
};

int main(int argc, char** argv)
{
    QApplication application(argc, argv);
    QApplication::setStyle(QStringLiteral("Fusion"));
    LessonTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "lesson_test.moc"
