"""Vietnamese. Its tone marks tell words apart, so they matter when listening; models have one form for any count."""

from chalicelib.calls.language import Calendar, Language, Phrases, Vocabulary

_H = r"(?P<h>\d{1,2})"
LANGUAGE = Language(
    code="vi",
    calendar=Calendar(
        weekdays=("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
        months=(
            "tháng 1", "tháng 2", "tháng 3", "tháng 4", "tháng 5", "tháng 6",
            "tháng 7", "tháng 8", "tháng 9", "tháng 10", "tháng 11", "tháng 12",
        ),
        date="{weekday}, ngày {day} {month}",
        date_of_year="{weekday}, ngày {day} {month} năm {year}",
        near=("hôm nay", "ngày mai"),
        near_date="{near}, {date}",
        hour="{hour} giờ {minute}",
        full_hour="{hour} giờ",
        moment="{clock} {date}",
        on_moment="lúc {clock} {date}",
        either="{most} hoặc {last}",
        both="{most} và {last}",
    ),
    vocabulary=Vocabulary(
        accents=True,
        days={
            "hôm nay": 0, "nay": 0, "ngày mai": 1, "mai": 1, "ngày kia": 2, "ngày mốt": 2, "mốt": 2,
        },
        later=(r"(?P<n>\d+) ngày nữa", r"sau (?P<n>\d+) ngày"),
        weekdays={
            "thứ hai": 0, "thứ ba": 1, "thứ tư": 2, "thứ năm": 3, "thứ sáu": 4, "thứ bảy": 5, "thứ bẩy": 5,
            "chủ nhật": 6, "thứ 2": 0, "thứ 3": 1, "thứ 4": 2, "thứ 5": 3, "thứ 6": 4, "thứ 7": 5,
        },
        coming=("tới", "sắp tới"),
        next_week=("tuần sau", "tuần tới"),
        months={
            "tháng một": 1, "tháng giêng": 1, "tháng hai": 2, "tháng ba": 3, "tháng tư": 4, "tháng năm": 5,
            "tháng sáu": 6, "tháng bảy": 7, "tháng tám": 8, "tháng chín": 9, "tháng mười": 10,
            "tháng mười một": 11, "tháng mười hai": 12, "tháng chạp": 12,
            **{f"tháng {number}": number for number in range(1, 13)},
        },
        numbers={
            "một": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9, "mười": 10,
            "mười một": 11, "mười hai": 12, "mười ba": 13, "mười bốn": 14, "mười lăm": 15, "mười sáu": 16,
            "mười bảy": 17, "mười tám": 18, "mười chín": 19, "hai mươi": 20, "hai mươi lăm": 25, "ba mươi": 30,
            "bốn mươi": 40, "bốn mươi lăm": 45, "năm mươi": 50,
        },
        before_noon=("sáng", "buổi sáng"),
        after_noon=("chiều", "buổi chiều", "tối", "buổi tối"),
        noon=("trưa", "buổi trưa"),
        clocks=(
            (rf"{_H} (?:giờ )?rưỡi", 30),
            (rf"{_H} giờ kém (?P<minus>\d{{1,2}})(?: phút)?", 0),
            (rf"{_H} giờ (?P<plus>\d{{1,2}})(?: phút)?", 0),
            (rf"{_H} giờ", 0),
        ),
        year="năm",
        filler=("lúc", "vào", "ngày", "này", "nhé", "ạ", "đúng", "của"),
    ),
    phrases=Phrases(
        our_team="đội ngũ của chúng tôi",
        free="Dịch vụ {service} còn trống: {days}.",
        free_day="{date} lúc {times}",
        nothing_free="Tôi không thấy giờ trống cho {service} vào thời gian đó. Ngày khác có tiện cho quý khách không?",
        booked="Tôi đã đặt lịch {service} với {staff} {moment} cho quý khách.",
        who_for="Lịch hẹn này dành cho ai ạ: {names} hay một người khác?",
        who_for_alone="Lịch hẹn này dành cho ai ạ?",
        taken="Giờ đó không còn trống. Tôi có thể đề xuất {moments}.",
        taken_alone="Giờ đó không còn trống và gần đó cũng không có giờ nào. Ngày khác có tiện cho quý khách không?",
        pending="Tôi đã ghi lại giờ đó và đang chờ lịch xác nhận; chúng tôi sẽ báo lại cho quý khách ngay.",
        trouble=(
            "Hiện tôi không kết nối được với lịch nên chưa có gì thay đổi. Quý khách có muốn chúng tôi gọi lại không?"
        ),
        unknown_number="Rất tiếc, tôi không thể làm việc này cho số điện thoại này.",
        appointment="{service} với {staff} {moment}",
        appointments={"other": "Quý khách có {count} lịch hẹn: {appointments}."},
        no_appointments="Tôi không tìm thấy lịch hẹn sắp tới nào với số điện thoại quý khách đang gọi.",
        which_one="Quý khách muốn nói đến lịch hẹn nào: {appointments}?",
        name_it="Xin quý khách cho biết họ tên đầy đủ và ngày hẹn.",
        not_found="Tôi không tìm thấy lịch hẹn với tên và ngày đó. Quý khách có muốn để lại lời nhắn không?",
        too_many_attempts="Tôi không thể tìm thêm trong cuộc gọi này. Quý khách có muốn để lại lời nhắn không?",
        moved="Lịch hẹn của quý khách đã được dời: {appointment}.",
        move_pending="Tôi đã xin giờ mới và đang chờ lịch xác nhận; chúng tôi sẽ báo lại cho quý khách ngay.",
        changed_since="Lịch hẹn đó đã được thay đổi, bây giờ là {appointment}. Quý khách vẫn muốn đổi chứ?",
        cancelled="Lịch hẹn của quý khách đã được hủy: {appointment}.",
        cancel_pending="Tôi đã chuyển yêu cầu hủy và đang chờ lịch xác nhận; chúng tôi sẽ báo lại cho quý khách ngay.",
        cancel_fee="Vì lịch hẹn được hủy quá muộn, quý khách phải trả phí {fee}.",
        cannot_change="Lịch hẹn đó không thể đổi qua điện thoại nữa. Quý khách có muốn để lại lời nhắn không?",
        message_taken="Tôi đã ghi lại lời nhắn. Chúng tôi sẽ liên hệ lại với quý khách.",
        transfer="Tôi đang nối máy cho quý khách với đội ngũ của chúng tôi.",
        transfer_to="Tôi đang nối máy cho quý khách với {staff}.",
        closed="Hiện chúng tôi đã đóng cửa và sẽ mở lại {moment}. Quý khách có muốn để lại lời nhắn không?",
        closed_for_long="Hiện chúng tôi đã đóng cửa. Quý khách có muốn để lại lời nhắn không?",
        nobody_available="Hiện không ai có thể nghe máy. Quý khách có muốn để lại lời nhắn không?",
        mail_subject="Lời nhắn từ {caller}",
        mail_text=(
            "{caller} đã để lại lời nhắn với trợ lý thoại của {branch} {moment}:\n\n{text}\n\n"
            "Số điện thoại để gọi lại: {phone}\n"
        ),
        mail_unknown_caller="một người gọi không rõ số",
    ),
    plural=lambda count: "other",
    plurals=("other",),
)  # fmt: skip
